"""A cement plant that does not exist, drone photos of it, and the truth about it."""
