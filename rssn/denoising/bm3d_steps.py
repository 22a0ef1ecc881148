"""Shared parts of the two implementations of BM3D: options, colours, grid of references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rssn.denoising.bm3d_matching import PATCH
from rssn.imaging.images import Uint8Image

Planes = NDArray[np.float32]  # (3, H, W)
Tile = tuple[NDArray[np.int64], NDArray[np.int64]]  # top rows and left columns of its references
Window = tuple[slice, slice]

SEARCH_RADIUS = 19  # px: a window of 39 x 39, as in the paper
LEAST_SIGMA = 1e-3  # below it nothing changes in 8 bits, and the variance stays above zero
# Orthonormal, so that every channel has the noise level of the image.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])


@dataclass(frozen=True)
class Step:
    """Options of one step."""

    stride: int  # px between reference patches
    matches: int  # patches in a group, at most; a power of two
    difference: float  # mean squared difference of luminance up to which patches match, 0..255
    noise_gain: float  # added to it for each unit of sigma ** 2

    def limit(self, sigma: float) -> np.float32:
        """Largest mean squared difference of matching patches at this level of noise."""
        return np.float32(self.difference + self.noise_gain * sigma**2)


# The difference of two noisy patches has twice the noise's variance, which is sigma ** 2 / 3 in the
# mean of three channels. The second step compares almost clean patches.
THRESHOLD_STEP = Step(stride=3, matches=16, difference=2500, noise_gain=2 / 3)
WIENER_STEP = Step(stride=4, matches=32, difference=800, noise_gain=0)


def opponent_planes(image: Uint8Image) -> Planes:
    """The opponent channels of an RGB image, mirrored to at least one patch high and wide."""
    missing = [(0, max(0, PATCH - size)) for size in image.shape[:2]]
    padded = np.pad(image, [*missing, (0, 0)], mode="symmetric")
    planes: Planes = np.einsum("ij,hwj->ihw", _OPPONENT, padded).astype(np.float32)
    return planes


def rgb_image(planes: Planes, shape: tuple[int, ...]) -> Uint8Image:
    """The RGB image of opponent channels, cut to `shape`, rounded and clipped."""
    rgb = np.einsum("ij,ihw->hwj", _OPPONENT, planes)[: shape[0], : shape[1]]
    image: Uint8Image = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return image


def tiles(shape: tuple[int, ...], stride: int, height: int, width: int) -> Iterator[Tile]:
    """Yield the rows and the columns of the reference patches that begin in each tile.

    References form a grid with a stride (px), and are flush with the last row and column.
    """
    rows, cols = (np.append(np.arange(0, n - PATCH, stride), n - PATCH) for n in shape)
    for top in range(0, shape[0], height):
        for left in range(0, shape[1], width):
            tile_rows = rows[(rows >= top) & (rows < top + height)]
            tile_cols = cols[(cols >= left) & (cols < left + width)]
            if tile_rows.size and tile_cols.size:
                yield tile_rows, tile_cols


def tile_window(tile: Tile, shape: tuple[int, ...]) -> Window:
    """Part of the image in the search windows of a tile's references."""
    rows, cols = tile
    return _reach(rows, shape[0]), _reach(cols, shape[1])


def _reach(starts: NDArray[np.int64], size: int) -> slice:
    return slice(
        max(0, int(starts[0]) - SEARCH_RADIUS),
        min(size, int(starts[-1]) + PATCH + SEARCH_RADIUS),
    )
