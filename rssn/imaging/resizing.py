"""Resizing of images and mattes, with one rule for the choice of interpolation."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import cv2
from numpy.typing import NDArray

Image = TypeVar("Image", bound=NDArray[Any])
Interpolation = Literal["area", "linear", "cubic", "lanczos", "nearest"]

_FLAGS: dict[Interpolation, int] = {
    "area": cv2.INTER_AREA,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
    "nearest": cv2.INTER_NEAREST,
}


def resize(
    image: Image,
    size: tuple[int, int],
    enlarge: Interpolation = "linear",
    shrink: Interpolation = "area",
) -> Image:
    """Resize an image: by area averaging where it shrinks, linearly where it grows.

    Args:
        image: (H, W) or (H, W, C), of any type that OpenCV resizes.
        size: Height and width of the result in px.
        enlarge: Interpolation where a side grows, even if the other shrinks.
        shrink: Interpolation where no side grows.

    Returns:
        The image in its own type, (height, width) or (height, width, C); the image itself if it
        has that size.
    """
    height, width = image.shape[:2]
    if size == (height, width):
        return image
    how = enlarge if size[0] > height or size[1] > width else shrink
    return cv2.resize(image, size[::-1], interpolation=_FLAGS[how])  # type: ignore[return-value]
