"""Coarse masks as people have them, and the trimap that a mask of any tool becomes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import UNKNOWN, Floats, Mask, Trimap, distance_to
from rssn.imaging.errors import InputError
from rssn.imaging.images import Uint8Image

SOLID = 0.5
SURE = 0.02  # a mask that near to 0 or 1 is taken at its word
NARROW, WIDE = 0.006, 0.045  # radii of the band, relative to the root of the picture's area
LEAST = 3.0  # px
STRONGER = 1.6  # how much an edge that is farther away has to exceed those near the mask's
SMOOTH = 1.5  # px, standard deviation of the blur before edges are taken


@dataclass(frozen=True)
class Mistakes:
    """Faults of a coarse mask, all in px.

    Attributes:
        shift: Right and down.
        growth: Dilation; below 0 erosion.
        holes: Radii of discs cut out of it, each at a random place of the mask.
        blur: Standard deviation of a blur in the end.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    growth: float = 0.0
    holes: tuple[float, ...] = ()
    blur: float = 0.0


def spoiled(mask: Floats, mistakes: Mistakes, rng: np.random.Generator) -> Floats:
    """A mask with mistakes.

    Args:
        mask: (H, W) in [0, 1].
        mistakes: What to do to it.
        rng: Decides where the holes are.
    """
    move = np.array([[1, 0, mistakes.shift[0]], [0, 1, mistakes.shift[1]]], np.float64)
    size = (mask.shape[1], mask.shape[0])
    moved = cv2.warpAffine(mask, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    made = np.asarray(moved, np.float32)
    if mistakes.growth > 0:
        made = (distance_to(made > SOLID) <= mistakes.growth).astype(np.float32)
    elif mistakes.growth < 0:
        made = (distance_to(made <= SOLID) > -mistakes.growth).astype(np.float32)
    for radius in mistakes.holes:
        rows, columns = np.nonzero(made > SOLID)
        if rows.size:
            chosen = rng.integers(rows.size)
            made = made.copy()
            made[_disc(made.shape, (rows[chosen], columns[chosen]), radius)] = 0
    if mistakes.blur > 0:
        made = np.asarray(cv2.GaussianBlur(made, (0, 0), mistakes.blur), np.float32)
    return made


def box(alpha: Floats, margin: float = 0.0) -> Floats:
    """The rectangle around what is more than half opaque, as a mask (H, W) of 0 and 1.

    Args:
        alpha: Matte (H, W) in [0, 1].
        margin: Px that it is larger on each side.
    """
    rows, columns = np.nonzero(alpha > SOLID)
    made = np.zeros(alpha.shape, np.float32)
    if rows.size:
        reach = round(margin)
        top, left = max(rows.min() - reach, 0), max(columns.min() - reach, 0)
        made[top : rows.max() + reach + 1, left : columns.max() + reach + 1] = 1
    return made


def polygon(alpha: Floats, tolerance: float) -> Floats:
    """The outline with few corners that a person draws, as a mask (H, W) of 0 and 1.

    Args:
        alpha: Matte (H, W) in [0, 1].
        tolerance: Px that the outline may be off by (Douglas and Peucker, 1973).
    """
    solid = (alpha > SOLID).astype(np.uint8)
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corners = [cv2.approxPolyDP(outline, tolerance, True) for outline in outlines]
    filled = np.zeros(alpha.shape, np.uint8)
    cv2.fillPoly(filled, corners, 1)
    return filled.astype(np.float32)


def trimap_from_mask(mask: Floats, image: Uint8Image) -> Trimap:
    """The trimap that a mask of any tool becomes.

    Soft pixels are unknown, and so is a band around the edge of the mask: a narrow one where the
    photograph has its strongest edge there too, a wide one where a stronger edge lies farther away,
    which the mask may have missed.

    Args:
        mask: (H, W) in [0, 1].
        image: RGB (H, W, 3), uint8.

    Raises:
        InputError: Another size, or a mask without object or without background.
    """
    if mask.shape != image.shape[:2]:
        raise InputError(
            f"mask is {mask.shape[1]}x{mask.shape[0]} px, the image {image.shape[1]}x"
            f"{image.shape[0]}; give both in one size"
        )
    solid = mask > SOLID
    if solid.all() or not solid.any():
        raise InputError(
            f"mask is {'full' if solid.any() else 'empty'}; mark the object and leave the "
            "background out"
        )
    root = float(np.sqrt(mask.size))
    narrow, wide = (max(LEAST, share * root) for share in (NARROW, WIDE))
    outline = contour(solid)
    missed = outline & (
        strongest(image, wide)[..., None] > STRONGER * strongest(image, narrow)[..., None]
    ).squeeze(-1)
    unknown = (mask > SURE) & (mask < 1 - SURE)
    unknown |= distance_to(outline) <= narrow
    unknown |= distance_to(missed) <= wide
    trimap: Trimap = np.where(unknown, UNKNOWN, np.where(solid, 255, 0)).astype(np.uint8)
    return trimap


def contour(solid: Mask) -> Mask:
    """The pixels of a mask that touch its outside, at their sides."""
    padded = np.pad(solid, 1, mode="edge")
    centre = padded[1:-1, 1:-1]
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(centre & ~inside)


def strongest(image: Uint8Image, radius: float) -> Floats:
    """The strongest edge within a radius in px of each pixel (H, W)."""
    smooth = cv2.GaussianBlur(image, (0, 0), SMOOTH).astype(np.float32)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *axes) for axes in ((1, 0), (0, 1)))
    strength = np.sqrt(across**2 + down**2).max(axis=2)
    side = 2 * round(radius) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.dilate(strength, disc), np.float32)


def _disc(shape: tuple[int, ...], centre: tuple[int, int], radius: float) -> NDArray[np.bool_]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2)
