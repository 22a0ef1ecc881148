"""Placement of objects in a picture: size, place, turn, cut by its border, one behind another.

The paper composes every foreground where it is in its photograph. A network trained from scratch on
few foregrounds has to see each in many places and sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, log, radians, sin
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rssn.imaging.errors import InputError, check_least
from rssn.imaging.images import Alpha, Pixels, Uint8Image, unit
from rssn.imaging.resizing import resize

Image = TypeVar("Image", bound=NDArray[Any])

OBJECT = 0.5  # alpha from which on a pixel counts as the object's
CLOSE_UP = 3.0  # greatest extent in a close-up, relative to that of other pictures
MOST_ENLARGED = 4 / 3  # px of a picture for each px of the image
TOUCHING = 0.02  # share of a border under the matte if the photograph cut the object there


@dataclass(frozen=True)
class ArrangementOptions:
    """Placement of objects.

    Attributes:
        extents: Least and greatest longer side of the object, relative to the picture's side.
        turn: Standard deviation of its turn, in degrees.
        stretch: Greatest factor by which one of its sides grows against the other.
        shift: Greatest part outside the picture, relative to its own sides.
        detail: Share of the pictures that are close-ups of its edge.
        second: Share of the pictures with a second object behind the first.
        colour: Greatest relative change of each colour's brightness and of the gamma, drawn
            for object and background apart.
    """

    extents: tuple[float, float] = (0.4, 1.5)
    turn: float = 10.0
    stretch: float = 1.2
    shift: float = 0.25
    detail: float = 0.2
    second: float = 0.2
    colour: float = 0.25

    def __post_init__(self) -> None:
        low, high = self.extents
        if not 0 < low <= high:
            raise InputError(f"extents={self.extents}: give two factors above 0, the lower first")
        check_least(0, turn=self.turn, shift=self.shift)
        check_least(1, stretch=self.stretch)
        for name in ("detail", "second", "colour"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)}: wanted 0 or more and below 1")


class View(NamedTuple):
    """Part of an image that a square picture shows.

    Attributes:
        matrix: (2, 3), from pixels of the picture to pixels of the image, counted from their
            centres.
        size: Side of the picture in px.
    """

    matrix: NDArray[np.float64]
    size: int

    @property
    def scale(self) -> float:
        """Size of a pixel of the picture, in px of the image."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


def draw_view(
    levels: Pixels,
    size: int,
    options: ArrangementOptions,
    rng: np.random.Generator,
    inside: bool = False,
) -> View:
    """Draw the view of an image with a matte.

    It may reach beyond the image, except at sides where the object itself is cut.

    Args:
        levels: The matte (H, W), levels as stored or in [0, 1].
        size: Side of the picture in px.
        options: Placement.
        rng: Source of all draws.
        inside: Stay inside the image on all sides, as for a photograph with its own background.
    """
    alpha = unit(levels)
    height, width = alpha.shape
    top, left, bottom, right = _bounds(alpha)
    close = bool(rng.random() < options.detail)
    low, high = options.extents
    if close:
        low, high = high, CLOSE_UP * high
    extent = exp(rng.uniform(log(low), log(high)))
    side = max(max(bottom - top, right - left) / extent, size / MOST_ENLARGED)
    turn, stretch = radians(rng.normal(0, options.turn)), options.stretch ** rng.uniform(-0.5, 0.5)
    free = rng.uniform(-0.5, 0.5, 2)
    beyond = rng.uniform(-options.shift, options.shift, 2) * (bottom - top, right - left)
    centre = np.array([top + bottom, left + right]) / 2
    if close and (edge := np.argwhere((alpha > 0) & (alpha < 1))).size:
        centre = edge[rng.integers(len(edge))].astype(np.float64)
    else:
        centre += free * np.abs([side - (bottom - top), side - (right - left)]) + beyond
    axes = turned(turn, (stretch, 1 / stretch))
    sides = (True,) * 4 if inside else cut_sides(alpha)
    return fit(axes * side / size, centre[::-1], size, (width, height), sides)


def warp(image: Image, view: View, border: int, reduced: int = 1) -> Image:
    """Sample a view of an image (H, W) or (H, W, C) that was decoded at 1/`reduced`.

    It is averaged where the view shrinks it, otherwise interpolated linearly. `border` is a flag of
    OpenCV: 0 beyond the image, or its continuation.
    """
    shrink = max(view.scale / reduced, 1.0)
    if shrink > 1:
        height, width = image.shape[:2]
        wanted = (max(1, round(height / shrink)), max(1, round(width / shrink)))
        shrunk = resize(image, wanted)
        factors = np.array([wanted[1] / width, wanted[0] / height]) / reduced
    else:
        shrunk, factors = image, np.array([1 / reduced, 1 / reduced])
    matrix = view.matrix * factors[:, None]
    matrix[:, 2] += 0.5 * factors - 0.5  # pixels are counted from their centres
    return cv2.warpAffine(  # type: ignore[return-value]
        shrunk,
        matrix,
        (view.size, view.size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )


def put_before(
    front: tuple[Uint8Image, Alpha], behind: tuple[Uint8Image, Alpha]
) -> tuple[Uint8Image, Alpha]:
    """Two foregrounds as one: colours (H, W, 3) and matte (H, W) of each."""
    (colours, alpha), (other, more) = front, behind
    weight = more * (1 - alpha)
    both = alpha + weight
    share = np.divide(alpha, both, out=np.ones_like(alpha), where=both > 0)[..., None]
    mixed = colours * share + other * (1 - share)
    return np.rint(mixed).astype(np.uint8), both.clip(0, 1)


def recolour(image: Uint8Image, strength: float, rng: np.random.Generator) -> Uint8Image:
    """Change the brightness of each colour, and the gamma of all, by at most `strength`."""
    gains = 1 + rng.uniform(-strength, strength) + rng.uniform(-strength, strength, 3) / 2
    gamma = exp(rng.uniform(-strength, strength))
    ramp = (np.arange(256)[:, None] / 255) ** gamma * gains
    table = np.rint(ramp.clip(0, 1) * 255).astype(np.uint8)
    return cv2.LUT(image, table[None])  # type: ignore[return-value]


def _bounds(alpha: Alpha) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of the object; of the whole image if nothing is opaque."""
    solid = alpha > min(OBJECT, float(alpha.max()) / 2)
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return 0, 0, alpha.shape[0], alpha.shape[1]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def cut_sides(alpha: Alpha) -> tuple[bool, bool, bool, bool]:
    """Sides (left, top, right, bottom) at which the object is cut."""
    lines = (alpha[:, 0], alpha[0], alpha[:, -1], alpha[-1])
    left, top, right, bottom = (bool((line > OBJECT).mean() > TOUCHING) for line in lines)
    return left, top, right, bottom


def turned(angle: float, sides: ArrayLike) -> NDArray[np.float64]:
    """Axes (2, 2) of these lengths, turned by an angle in radians."""
    return np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]]) @ np.diag(sides)


def fit(
    axes: NDArray[np.float64],
    centre: NDArray[np.float64],
    size: int,
    ends: tuple[int, int],
    sides: tuple[bool, bool, bool, bool],
) -> View:
    """Shrink and move a view until it does not reach beyond the closed sides.

    Args:
        axes: (2, 2), px of the image, along x and y, per px of the picture.
        centre: Middle of the view, (x, y) in px of the image.
        size: Side of the picture in px.
        ends: Width and height of the image in px.
        sides: True for the closed ones of left, top, right and bottom.
    """
    closed = np.array(sides).reshape(2, 2)  # (left, top), (right, bottom)
    limits = np.array(ends, dtype=np.float64)
    reach = np.abs(axes).sum(axis=1) * size  # of the turned square, along x and y
    both = closed.all(axis=0)
    if both.any():
        shrink = min(1.0, float((limits[both] / reach[both]).min()))
        axes, reach = axes * shrink, reach * shrink
    low, high = centre - reach / 2, centre + reach / 2
    centre = centre + np.where(closed[0], np.maximum(-low, 0), 0)
    centre = centre - np.where(closed[1], np.maximum(high - limits, 0), 0)
    middle = (size - 1) / 2
    offset = centre - 0.5 - axes @ np.array([middle, middle])
    return View(np.column_stack([axes, offset]), size)
