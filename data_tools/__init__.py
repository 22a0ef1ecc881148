"""Preparing, checking, describing and drawing data sets for matting."""
