"""Foreground colours by blurring (Forte 2021, blur fusion), without compiled loops.

F is the mean of the image around a pixel, weighed by alpha, and B that weighed by 1 - alpha; then
both take up what is left of the image. A second mean of the result, over a narrow window, finds
fine detail.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.resizing import resize

WIDE, NARROW = 90, 6  # px, sides of the windows; as published
COARSE = 8  # reduction at which the wide mean is taken, which has no fine detail
LEAST = 1e-5  # weight of a window, so that none divides by 0

Floats = NDArray[np.float32]


def wide_means(image: NDArray[np.uint8], alpha: Floats) -> Floats:
    """F and B (2, h, w, 3) in [0, 1] of a photograph, at an eighth of its size.

    Args:
        image: Photograph (H, W, 3).
        alpha: Matte (H, W) in [0, 1].
    """
    height, width = (max(1, -(-side // COARSE)) for side in alpha.shape)
    levels: Floats = np.divide(image, 255, dtype=np.float32)
    # Weighed before they are shrunk, or colours would mix across edges.
    shrunk = [
        resize(np.dstack([levels * weight[..., None], weight]), (height, width), enlarge="area")
        for weight in (alpha, 1 - alpha)
    ]
    return np.stack([_mean(each, round(WIDE / COARSE)) for each in shrunk])


def blurred_colours(image: NDArray[np.uint8], alpha: Floats, coarse: Floats) -> Floats:
    """F and B (2, R, W, 3) in [0, 1] of rows of a photograph, which mix to it again.

    Args:
        image: The rows (R, W, 3).
        alpha: Those of the matte (R, W).
        coarse: Those of `wide_means` (2, R, W, 3), resized.
    """
    levels: Floats = np.divide(image, 255, dtype=np.float32)
    fused = restored(levels, alpha, coarse)
    narrow = [
        _mean(np.dstack([colours * weight[..., None], weight]), NARROW)
        for colours, weight in zip(fused, (alpha, 1 - alpha), strict=True)
    ]
    return restored(levels, alpha, np.stack(narrow))


def restored(image: Floats, alpha: Floats, colours: Floats) -> Floats:
    """The nearest F and B (2, H, W, 3) with C = alpha F + (1 - alpha) B, clipped to [0, 1]."""
    shares = np.stack([alpha, 1 - alpha])[..., None]
    missing = (image - (shares * colours).sum(axis=0)) / np.square(shares).sum(axis=0)
    return np.asarray((colours + shares * missing).clip(0, 1))


def _mean(weighted: Floats, side: int) -> Floats:
    """Mean colours (H, W, 3) in windows of (H, W, 4): colours times a weight, and the weight."""
    sums = cv2.blur(weighted, (side, side))
    return np.asarray(sums[..., :3] / (sums[..., 3:] + np.float32(LEAST)))
