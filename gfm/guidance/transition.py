"""The transition region of a matte, as GFM labels it (section 3.4) and the metrics report it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError

KERNEL = 25  # px, diameter of the paper's kernel


def transition_regions(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Background (0), transition (1) and foreground (2) of a matte (H, W)."""
    return transition_trimap(alpha, ellipse_of(KERNEL))


def transition_trimap(alpha: NDArray[np.float32], ellipse: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Trimap of a matte (H, W): 2 well inside the opaque set, 0 well outside the non-zero set."""
    opaque = cv2.erode((alpha == 1).astype(np.uint8), ellipse)
    touched = cv2.dilate((alpha > 0).astype(np.uint8), ellipse)
    return np.asarray(opaque + touched, dtype=np.uint8)


def ellipse_of(kernel: int, scale: float = 1.0) -> NDArray[np.uint8]:
    """OpenCV's ellipse of a diameter of `kernel` times `scale` px, 1 or more."""
    if kernel < 1 or not scale > 0:
        raise InputError(f"kernel={kernel}, scale={scale}: both must be positive")
    side = max(1, round(kernel * scale))
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), dtype=np.uint8)
