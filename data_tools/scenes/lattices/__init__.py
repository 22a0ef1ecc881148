"""Lattices in space: patterns of strands on surfaces, and the things that are made of them."""
