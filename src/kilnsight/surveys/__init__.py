"""The survey folder on disk: its paths, its readers, and the catalogue that describes it."""
