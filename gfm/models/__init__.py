"""Matting systems, one folder each."""
