"""Small views of pictures and mattes, for measuring and for contact sheets."""

from __future__ import annotations

from typing import Any, TypeVar

from numpy.typing import NDArray

from rssn.imaging.resizing import resize

VIEW_SIDE = 256  # px of the longer side of the views that images are measured on

Array = TypeVar("Array", bound=NDArray[Any])


def fit(image: Array, side: int) -> Array:
    """An image or a matte, shrunk (never enlarged) to at most `side` px on its longer side."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    return resize(image, (max(1, int(image.shape[0] * scale)), max(1, int(image.shape[1] * scale))))
