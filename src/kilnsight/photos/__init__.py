"""Photos as they come from a drone: camera, pose, time, hash, and what is wrong with them."""
