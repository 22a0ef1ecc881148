"""Clicks as maps at a quarter of the working size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Click, Clicks

STRIDE = 4  # px of the working size for each px of the maps
SIGMAS = (5.0, 24.0)  # px of the working size
MAPS = 2 * len(SIGMAS)


def click_maps(clicks: Clicks, height: int, width: int) -> NDArray[np.float32]:
    """Gaussians of the distance to the nearest click, for a photograph in a working size.

    Args:
        clicks: On the photograph.
        height: Of the working size, a multiple of 4.
        width: Of the working size, likewise.

    Returns:
        (4, height / 4, width / 4): both deviations for the background, then for the object.
    """
    scale = (width / clicks.width, height / clicks.height)
    moved = [((x + 0.5) * scale[0], (y + 0.5) * scale[1], positive) for x, y, positive in clicks]
    return gaussians(moved, height, width)


def gaussians(
    points: Sequence[tuple[float, float, bool] | Click], height: int, width: int
) -> NDArray[np.float32]:
    """As `click_maps`, of points (x, y, positive) in px of the working size."""
    maps = np.zeros((2, len(SIGMAS), height // STRIDE, width // STRIDE), np.float32)
    rows = (np.arange(height // STRIDE, dtype=np.float32) + 0.5) * STRIDE
    columns = (np.arange(width // STRIDE, dtype=np.float32) + 0.5) * STRIDE
    for positive in (False, True):
        chosen = np.array([(x, y) for x, y, on in points if on is positive], np.float32)
        if not len(chosen):
            continue
        across = (chosen[:, 0, None] - columns) ** 2
        down = (chosen[:, 1, None] - rows) ** 2
        for plane, sigma in zip(maps[int(positive)], SIGMAS, strict=True):
            weights = [np.exp(part / (-2 * sigma**2)) for part in (down, across)]
            for row, column in zip(*weights, strict=True):
                np.maximum(plane, row[:, None] * column, out=plane)
    return maps.reshape(MAPS, *maps.shape[2:])
