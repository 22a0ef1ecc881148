"""Changes of F, alpha and B that LSA matting trains with (paper, sections 4.2 and 5)."""

from __future__ import annotations

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.resizing import resize

Array = TypeVar("Array", bound=NDArray[Any])
Levels = NDArray[np.uint8]

TRIES = 5
LEAST_FRACTION = 0.8  # of the image's share of fractional pixels that a crop should have


def reflect_to(part: Array, side: int) -> Array:
    """Mirror a part (H, W, ...) by what its height lacks of `side`, all around; then its width."""
    for axis in (0, 1):
        if (missing := side - part.shape[axis]) > 0:
            borders = [(missing, missing)] * 2 + [(0, 0)] * (part.ndim - 2)
            part = np.pad(part, borders, mode="reflect")  # type: ignore[assignment]
    return part


def rotate(part: Levels, degrees: float, shift: tuple[int, int]) -> Levels:
    """Rotate a part (H, W, ...) about a point `shift` (x, y) px from its centre; black outside."""
    height, width = part.shape[:2]
    centre = (width // 2 + shift[0], height // 2 + shift[1])
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1)
    turned = cv2.warpAffine(part, matrix, (width, height), flags=cv2.INTER_CUBIC)
    return np.asarray(turned, np.uint8)


def enlarge_to(part: Levels, side: int) -> Levels:
    """Enlarge a part (H, W, ...) so that a square of `side` px fits into it."""
    height, width = part.shape[:2]
    scale = side / min(height, width)
    if scale <= 1:
        return part
    size = max(side, round(height * scale)), max(side, round(width * scale))
    return resize(part, size, enlarge="cubic")


def crop_around(alpha: Levels, side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Place a square of 2 ⌊side / 2⌋ px about a random pixel with alpha above 0.

    Args:
        alpha: Matte (H, W), not smaller than the square.
        side: In px.
        rng: Decides.

    Returns:
        Its top and left. Of up to five places it is the first with at least 0.8 of the share of
        fractional pixels that the whole matte has, or the last.
    """
    half = side // 2
    fractional = (alpha > 0) & (alpha < 255)
    rows, columns = np.nonzero(alpha)
    top = left = 0
    for _ in range(TRIES):
        if len(rows):
            chosen = int(rng.integers(len(rows)))
            centre = int(rows[chosen]), int(columns[chosen])
        else:
            centre = int(rng.integers(alpha.shape[0])), int(rng.integers(alpha.shape[1]))
        top, left = (
            min(max(at - half, 0), length - 2 * half)
            for at, length in zip(centre, alpha.shape, strict=True)
        )
        inside = fractional[top : top + 2 * half, left : left + 2 * half]
        if inside.mean() >= LEAST_FRACTION * fractional.mean():
            break
    return top, left


def bend(alpha: Levels, gamma: float, mirrored: bool) -> Levels:
    """α^γ, or 1 - (1 - α)^γ, of a matte of levels 0 to 255; rounded down."""
    unit = alpha / 255.0
    bent = 1 - (1 - unit) ** gamma if mirrored else unit**gamma
    return (255 * bent).astype(np.uint8)


def blend_colour(
    image: Levels, weights: NDArray[np.float64], colour: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Blend w F + (1 - w) u of levels 0 to 255 (paper, section 4.2).

    Args:
        image: F (H, W, 3).
        weights: w in [0, 1], one for all channels or one for each.
        colour: u, levels (3,).

    Returns:
        (H, W, 3), not rounded.
    """
    return weights * image + (1 - weights) * colour
