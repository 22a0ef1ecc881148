"""Glance and Focus Matting (Li et al., IJCV 2022)."""
