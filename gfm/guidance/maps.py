"""Maps that tell a network how far each pixel is from what a person marked."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def gaussian_maps(marked: NDArray[np.bool_], sigmas: tuple[float, ...]) -> NDArray[np.float32]:
    """Gaussians of the exact distance to the nearest marked pixel: exp(-d²/(2σ²)).

    Args:
        marked: Sets of pixels (K, H, W), e.g. background and object.
        sigmas: Deviations in px.

    Returns:
        Maps (K·len(sigmas), H, W), those of the first set first; 0 for a set without a pixel.
    """
    maps = np.zeros((len(marked), len(sigmas), *marked.shape[1:]), np.float32)
    for planes, pixels in zip(maps, marked, strict=True):
        if not pixels.any():
            continue
        outside = (~pixels).astype(np.uint8)
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        # Whole numbers; OpenCV's roots of them may differ in their last bit from call to call.
        squares = np.rint(np.square(distance.astype(np.float64)))
        for plane, sigma in zip(planes, sigmas, strict=True):
            plane[...] = np.exp(squares / (-2 * sigma**2))
    return maps.reshape(-1, *marked.shape[1:])
