"""Proof that a survey is what it was: hashes of every file, chained."""
