"""Random trimaps for training: tight, wide, uneven, and wrong ones."""

from __future__ import annotations

from math import exp, log

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import UNKNOWN, Floats, Trimap, distance_to
from rssn.imaging.images import Alpha
from rssn.imaging.resizing import resize

RADII = ((1.0, 6.0), (4.0, 25.0), (20.0, 80.0))  # px: tight, usual, wide
SHARES = (0.3, 0.4, 0.3)
SLACK = 8  # levels of alpha of 255 that may count as known
COARSE = 0.18  # share of the trimaps that come from a mask with mistakes
UNEVEN = 0.6  # share of the trimaps whose band varies in width
BLOBS = 0.4  # share of the trimaps with further unknown spots, such as limbs and flags
BLOB_RADII = (5.0, 130.0)  # px


def random_trimap(alpha: Alpha, rng: np.random.Generator) -> Trimap:
    """A trimap of a matte.

    Args:
        alpha: Matte (H, W) in [0, 1].
        rng: Decides.

    Returns:
        (H, W) of 0, 128 and 255. Around an eighth of the trimaps come from a mask that is shifted,
        grown and holed, and may be wrong about some pixels.
    """
    if rng.random() < COARSE:
        solid = coarse_mask(alpha, rng)
        foreground, background = solid, ~solid
    else:
        low, high = rng.integers(0, SLACK, 2) / 255
        foreground, background = alpha >= 1 - high, alpha <= low
    least, most = RADII[rng.choice(3, p=SHARES)]
    trimap = np.full(alpha.shape, UNKNOWN, np.uint8)
    for region, level in ((foreground, 255), (background, 0)):
        radius: float | Floats = exp(rng.uniform(log(least), log(most)))
        if rng.random() < UNEVEN:
            radius = radius * uneven(alpha.shape, rng)
        trimap[distance_to(~region) > radius] = level
    if rng.random() < BLOBS:
        trimap[blobs(alpha.shape, rng)] = UNKNOWN
    return trimap


def coarse_mask(alpha: Alpha, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A matte with the faults of a segmentation: shifted, grown or shrunk, holed."""
    reach = exp(rng.uniform(log(2), log(16)))
    shift = np.array([[1, 0, rng.normal(0, reach / 2)], [0, 1, rng.normal(0, reach / 2)]])
    size = (alpha.shape[1], alpha.shape[0])
    moved = cv2.warpAffine(alpha, shift, size, borderMode=cv2.BORDER_REPLICATE)
    solid = cv2.GaussianBlur(moved, (0, 0), reach / 2) > rng.uniform(0.2, 0.8)
    if rng.random() < 0.3:
        solid &= ~blobs(alpha.shape, rng)
    return np.asarray(solid)


def uneven(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Smooth factors between 0.4 and 1.6 (H, W)."""
    cells = int(rng.integers(3, 9))
    coarse = rng.uniform(0.4, 1.6, (cells, cells)).astype(np.float32)
    return resize(coarse, (shape[0], shape[1]), shrink="linear")


def blobs(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
    """One to three random ellipses (H, W)."""
    canvas = np.zeros(shape, np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.integers(shape[1])), int(rng.integers(shape[0])))
        low, high = (log(radius) for radius in BLOB_RADII)
        axes = (round(exp(rng.uniform(low, high))), round(exp(rng.uniform(low, high))))
        cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    return canvas > 0
