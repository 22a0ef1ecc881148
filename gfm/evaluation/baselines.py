"""Baselines for matting networks: GrabCut from a box, and the best constant alpha."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MARGIN = 0.1  # of each side, left out of the box
ROUNDS = 5  # of GrabCut


def grabcut(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """OpenCV's GrabCut, started from a centred box.

    Args:
        image: uint8 RGB (H, W, 3).

    Returns:
        A matte (H, W) of 0 and 1.
    """
    height, width = image.shape[:2]
    top, left = round(height * MARGIN), round(width * MARGIN)
    box = (left, top, width - 2 * left, height - 2 * top)
    mask = np.zeros((height, width), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its k-means starts from random centres
    cv2.grabCut(
        np.ascontiguousarray(image[..., ::-1]), mask, box, *models, ROUNDS, cv2.GC_INIT_WITH_RECT
    )
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def best_constants(alpha: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The constant mattes (H, W) nearest to a true matte: its median by SAD, its mean by MSE."""
    return {
        "sad": np.full_like(alpha, np.median(alpha)),
        "mse": np.full_like(alpha, alpha.mean(dtype=np.float64)),
    }
