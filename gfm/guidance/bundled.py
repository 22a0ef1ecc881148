"""Clicks drawn all at once from a true mask, before networks were trained click by click."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Click, Clicks

MOST_POSITIVE, MOST_NEGATIVE = 5, 10
MARGIN = 5.0  # px between a click and the outline
STEP = 10.0  # px between two clicks of one kind
NEAR = 40.0  # px from the object that clicks on the background are at most


def draw_bundle(mask: NDArray[np.bool_], rng: np.random.Generator) -> Clicks:
    """Draw clicks on an object and around it (Xu et al., 2016, section 3.2).

    1 to 5 clicks lie inside the object, 0 to 10 outside, at most 40 px away; all at least 5 px from
    the outline and 10 px from one another, as far as there is room.

    Args:
        mask: The object (H, W), one pixel at least.
        rng: Draws numbers and places.

    Note:
        Their further strategies, clicks on other objects and along the whole outline, are left out:
        the masks here show one object, and the numbers are as remembered.
    """
    height, width = mask.shape
    inside, outside = _depth(mask), _depth(~mask)
    positive = _spread(inside > MARGIN, int(rng.integers(1, MOST_POSITIVE + 1)), rng)
    if not positive:  # the object is too thin for a margin
        positive = _spread(mask, 1, rng)
    around = (outside > MARGIN) & (outside <= NEAR)
    negative = _spread(around, int(rng.integers(0, MOST_NEGATIVE + 1)), rng)
    points = [Click(x, y, True) for y, x in positive] + [Click(x, y, False) for y, x in negative]
    return Clicks(width, height, tuple(points))


def _depth(part: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of each pixel of a part of the picture to the rest, 0 outside the part."""
    distance = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, np.float32)


def _spread(room: NDArray[np.bool_], count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Rows and columns of up to `count` pixels, drawn from the room that is left for each."""
    rows, columns = np.nonzero(room)
    drawn: list[tuple[int, int]] = []
    while len(drawn) < count and rows.size:
        index = int(rng.integers(rows.size))
        y, x = int(rows[index]), int(columns[index])
        drawn.append((y, x))
        left = (rows - y) ** 2 + (columns - x) ** 2 >= STEP**2
        rows, columns = rows[left], columns[left]
    return drawn
