"""Shards: tars of samples, their manifest, and files of training material."""
