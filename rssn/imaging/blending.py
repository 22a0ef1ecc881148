"""Alpha blending."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError

Image = TypeVar("Image", bound=NDArray[Any])


def blend(alpha: NDArray[Any], foreground: Image, background: Image) -> Image:
    """The composite αF + (1 - α)B (paper, equation 1).

    Args:
        alpha: Matte (H, W), float in [0, 1].
        foreground: Image (H, W, C), uint8 or float.
        background: Image of the same shape and type.

    Returns:
        The composite, of the images' shape and type: uint8 rounded to the nearest (a tie to the
        even value), float not rounded. Alpha 1 gives F and alpha 0 gives B to the last bit.

    Raises:
        InputError: Shapes or types differ.

    Example:
        >>> grey = np.full((1, 1, 3), 200, np.uint8)
        >>> blend(np.float32([[0.25]]), grey, 0 * grey).tolist()
        [[[50, 50, 50]]]
    """
    if foreground.shape != background.shape or alpha.shape != foreground.shape[:2]:
        raise InputError(
            f"alpha {alpha.shape}, foreground {foreground.shape} and background "
            f"{background.shape} differ in size; give three of one height and width"
        )
    if foreground.dtype != background.dtype:
        raise InputError(
            f"foreground is {foreground.dtype}, background {background.dtype}; give one type"
        )
    if alpha.dtype.kind != "f":
        raise InputError(f"alpha is {alpha.dtype}; give float in [0, 1]")
    is_uint8 = foreground.dtype == np.uint8
    weight = (alpha.astype(np.float32, copy=False) if is_uint8 else alpha)[..., None]
    mixed = weight * foreground + (1 - weight) * background
    return (np.rint(mixed) if is_uint8 else mixed).astype(foreground.dtype)  # type: ignore[no-any-return]
