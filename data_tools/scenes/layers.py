"""Premultiplied layers: compositing, blur, and division by alpha.

A layer is float32 (H, W, 4): colour times alpha, then alpha, all in [0, 1]. A blur of all four
channels keeps colour and alpha consistent: their quotient is the colour of the covering object,
never a mixture with the background.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.resizing import resize

Plane = NDArray[np.float32]  # (H, W) in [0, 1]
Colour = NDArray[np.float32]  # (H, W, 3) in [0, 1]
Layer = NDArray[np.float32]  # (H, W, 4) in [0, 1], premultiplied

# Below this alpha, half a step of an 8-bit matte, a pixel is written as 0 and its colour is free.
_FREE = 0.5 / 255


def over(top: Layer, below: Layer) -> Layer:
    """Lay one layer over another (Porter and Duff's operator)."""
    return top + below * (1 - top[..., 3:])


def sweep(layer: Layer, motion: NDArray[np.float64], doublings: int) -> Layer:
    """Blur a layer by a movement: the mean of `2**doublings` copies, each moved once more.

    `motion` is the affine 2x3 matrix from one copy to the next, in pixels. The copies are doubled:
    the mean of 2n copies is the mean of n and of the same n moved n times.
    """
    height, width = layer.shape[:2]
    matrix = np.vstack([motion, [0.0, 0.0, 1.0]])
    for _ in range(doublings):
        moved = cv2.warpAffine(layer, matrix[:2], (width, height), borderMode=cv2.BORDER_REPLICATE)
        layer = (layer + np.asarray(moved, np.float32)) * np.float32(0.5)
        matrix = matrix @ matrix
    return layer


def disc_blur(image: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Blur by a lens out of focus: the mean over a disc, `radius` in pixels.

    Above 8 pixels the work is done at half the resolution, which such a blur does not show.
    """
    if radius < 0.4:
        return image
    height, width = image.shape[:2]
    if radius > 8 and min(height, width) > 1:
        half = disc_blur(resize(image, ((height + 1) // 2, (width + 1) // 2)), radius / 2)
        return resize(half, (height, width))
    reach = math.ceil(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    blurred = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)


def divide_alpha(layer: Layer) -> tuple[Colour, Plane]:
    """Split a layer into its colour (H, W, 3), defined everywhere, and its alpha (H, W).

    Uncovered pixels continue the colour of the covered neighbourhood, through a pyramid of halved
    layers.
    """
    return np.clip(_continued(layer), 0, 1), np.clip(layer[..., 3], 0, 1)


def _continued(layer: Layer) -> Colour:
    height, width = layer.shape[:2]
    alpha = layer[..., 3:]
    colour = layer[..., :3] / np.maximum(alpha, 1e-6)
    if max(height, width) == 1:
        return np.where(alpha > 1e-6, colour, np.float32(0.5))
    coarse = _continued(resize(layer, ((height + 1) // 2, (width + 1) // 2)))
    known = np.minimum(alpha / _FREE, 1)
    result: Colour = colour * known + resize(coarse, (height, width)) * (1 - known)
    return result
