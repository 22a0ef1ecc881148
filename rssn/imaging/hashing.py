"""A 64-bit hash of the content of a picture (Zauner, 2010: "pHash").

It is eight lines on top of OpenCV; packages such as imagehash need PyWavelets and do not hash
mirror images.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.images import Uint8Image
from rssn.imaging.resizing import resize

SAMPLES = 32  # px of the square under the hash
THUMBNAIL = 16  # px of the square that is tested for content
FLAT = 0.5  # levels: pictures with less contrast have no content


class PictureHash(NamedTuple):
    """Signs of 64 low frequencies, as a number: of a picture, and of it turned left to right."""

    straight: int
    mirrored: int


def picture_hash(image: Uint8Image) -> PictureHash:
    """Hash of a picture, uint8 RGB (H, W, 3)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Without the first row and column: these hold brightness and gradients across the picture.
    low = np.asarray(cv2.dct(resize(grey, (SAMPLES, SAMPLES), "area")), np.float32)[1:9, 1:9]
    # Turning a picture changes the sign of the odd horizontal frequencies only.
    return PictureHash(_bits(low), _bits(low * np.resize([-1, 1], 8)))


def thumbnail(image: Uint8Image) -> Uint8Image | None:
    """A picture at 16x16 px; None if it shows nothing, so that its hash is arbitrary."""
    small = resize(image, (THUMBNAIL, THUMBNAIL), "area")
    return small if small.std(axis=(0, 1)).max() >= FLAT else None


def _bits(low: NDArray[np.float32]) -> int:
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")
