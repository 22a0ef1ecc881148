"""Clips: frame by frame to mattes, each steadied by the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfm.video.matting import matte_frames

__all__ = ["SMOOTHING", "matte_frames"]

SMOOTHING = 0.7  # part of the earlier frames; docs/matting.md has what it was chosen by


def __getattr__(name: str) -> object:
    if name != "matte_frames":
        raise AttributeError(f"module 'gfm.video' has no attribute {name!r}")
    from gfm.video.matting import matte_frames

    return matte_frames
