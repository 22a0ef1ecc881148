"""Resizing of images and mattes, with one rule for the choice of interpolation."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import cv2
import numpy as np
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


def enlarge_rows(
    plane: NDArray[np.float32], size: tuple[int, int], rows: slice
) -> NDArray[np.float32]:
    """Compute some rows of a plane (h, w) enlarged to (H, W), linearly with half-pixel centres.

    Args:
        plane: (h, w), no side larger than that of `size`.
        size: Height and width in px, of which the rows are a part.
        rows: From 0 to the height, without a step.
    """
    height = plane.shape[0]
    position = ((np.arange(rows.start, rows.stop) + 0.5) * (height / size[0]) - 0.5).clip(
        0, height - 1
    )
    above = position.astype(np.intp)
    below = np.minimum(above + 1, height - 1)
    weight = (position - above).astype(np.float32)[:, None]
    strip = plane[above] + weight * (plane[below] - plane[above])
    return resize(np.ascontiguousarray(strip), (len(above), size[1]), "linear", "linear")
