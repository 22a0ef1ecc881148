"""Blur of backgrounds, in place of a large aperture (paper, section 4.2)."""

from __future__ import annotations

import cv2

from rssn.imaging.errors import check_least
from rssn.imaging.images import Uint8Image


def blur(image: Uint8Image, size: int) -> Uint8Image:
    """Average over a square window: OpenCV's box filter, the "averaging filter" of the paper.

    Args:
        image: Image (H, W, 3), uint8.
        size: Side of the window in pixels, 1 (no change) and more; an even window reaches one
            pixel further up and left. The border mirrors the picture without its edge pixel.

    Returns:
        The blurred image, of the same shape.

    Raises:
        InputError: `size` is below 1.

    Example:
        >>> line = np.zeros((1, 5, 3), np.uint8)
        >>> line[0, 2] = 90
        >>> blur(line, 3)[0, :, 0].tolist()
        [0, 30, 30, 30, 0]
    """
    check_least(1, size=size)
    return cv2.blur(image, (size, size))  # type: ignore[return-value]


def scaled_size(size: int, shorter_side: int, reference: int | None) -> int:
    """Scale a window for images of `reference` px on the shorter side to another side (px)."""
    return size if reference is None else max(1, round(size * shorter_side / reference))
