"""Foreground and background colours of a photograph, given its matte."""
