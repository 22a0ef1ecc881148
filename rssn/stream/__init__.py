"""Composition on the fly, with objects arranged anew."""
