"""Guidance that a person gives beside the photograph."""
