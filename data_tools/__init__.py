"""Preparing, checking and drawing data sets for matting."""
