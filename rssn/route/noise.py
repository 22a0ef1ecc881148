"""One noise for foreground and background (paper, section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rssn.imaging.errors import InputError, check_least
from rssn.imaging.images import Uint8Image


def add_noise(
    images: Sequence[Uint8Image], sigma: float, rng: np.random.Generator
) -> list[Uint8Image]:
    """Add the same field of Gaussian noise to every image.

    Args:
        images: uint8 images of one shape, usually composite, foreground and background.
        sigma: Standard deviation on the 0 to 255 scale.
        rng: Source of the field.

    Returns:
        New images, clipped to 0..255 and rounded.

    Raises:
        InputError: `sigma` is negative, or the images differ in shape.

    Example:
        >>> grey = np.full((4, 4, 3), 100, np.uint8)
        >>> one, other = add_noise([grey, grey], 10, np.random.default_rng(0))
        >>> (one == other).all(), (one == grey).all()
        (np.True_, np.False_)
    """
    check_least(0, sigma=sigma)
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1:
        raise InputError(
            f"images of the shapes {shapes} cannot share a noise field; give one shape"
        )
    if not images:
        return []
    field = rng.standard_normal(shapes[0], np.float32) * np.float32(sigma)
    return [np.rint((image + field).clip(0, 255)).astype(np.uint8) for image in images]
