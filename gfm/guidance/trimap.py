"""Trimaps as channels of a network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.maps import gaussian_maps

SIGMAS = (6.4, 25.6, 51.2)  # px: 0.02, 0.08 and 0.16 of 320, whatever the size of the image


def known_masks(trimap: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Definite background and definite foreground, (2, H, W).

    Args:
        trimap: (H, W): 0 background, 255 foreground, any other level unknown.
    """
    return np.stack([trimap == 0, trimap == 255])


def encode_trimap(trimap: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Masks (2, H, W) and distance maps (6, H, W) of a trimap, background first (FBA).

    Args:
        trimap: (H, W): 0 background, 255 foreground, any other level unknown.
    """
    known = known_masks(trimap)
    return known.astype(np.float32), gaussian_maps(known, SIGMAS)
