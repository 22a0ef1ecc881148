"""Clips: frame by frame to mattes, each steadied by the one before."""

from gfm.video.matting import matte_frames

__all__ = ["matte_frames"]
