"""Drone photos of cement plants into problems that get fixed, and shown to be fixed."""

__version__ = "0.1.0"
