"""Overlapping tiles that fade into each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MULTIPLE = 32  # px, coarsest stride of the networks
# px of a tile beside another that are left out, for its border distorts them. What is left of that
# in the focus is 0.0003 in the mean for tiles of 512 px (the demo's network), 0.0001 for 768 px.
MARGIN = 96
RAMP = 64  # px over which one tile fades into the next
OVERLAP = 2 * MARGIN + RAMP


@dataclass(frozen=True)
class Window:
    """A tile's extent along one axis, in pixels.

    Attributes:
        start: First position.
        stop: Behind the last.
        weights: What the tile counts at each position; those of all windows add up to 1.
    """

    start: int
    stop: int
    weights: NDArray[np.float32]


def windows(length: int, tile: int) -> list[Window]:
    """Cover an axis by tiles that start at multiples of 32 and fade into each other.

    Note:
        A network repeats itself exactly under shifts by its coarsest stride alone, hence the 32.
    """
    last = max(0, -(-length // MULTIPLE) * MULTIPLE - tile)
    starts = [*range(0, last, tile - OVERLAP), last] if last else [0]
    position = np.arange(length)
    profiles = []
    for start in starts:
        rise = (position - start - MARGIN + 0.5) / RAMP if start > 0 else np.ones(length)
        fall = (start + tile - MARGIN - position - 0.5) / RAMP if start < last else np.ones(length)
        inside = (position >= start) & (position < start + tile)
        profiles.append(np.where(inside, np.minimum(rise, fall).clip(0, 1), 0))
    total = np.sum(profiles, axis=0)
    return [
        Window(start, stop, (profile / total)[start:stop].astype(np.float32))
        for start, profile in zip(starts, profiles, strict=True)
        for stop in [min(start + tile, length)]
    ]
