"""Findings: from a map and its photos to suspected problems with places, sizes and pictures."""
