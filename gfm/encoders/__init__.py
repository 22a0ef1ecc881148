"""Encoders: feature levels from fine to coarse, with their channels and strides."""
