"""Trimaps of a true matte: the transition and a band around it, of fixed or random width."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError, check_choice

Scheme = Literal["fba", "lsa", "dim"]
"""FBA erodes foreground and background by 3 to 25 px; LSA takes what is 1 to 24 px from the
transition, on either side; Deep Image Matting, and AdaMatting after it, dilate the transition by
one radius, which they do not state: 1 to 25 px here."""

RADII: dict[Scheme, tuple[int, int]] = {"fba": (3, 25), "lsa": (1, 24), "dim": (1, 25)}
UNKNOWN = 128

Trimap = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


def random_trimap(alpha: Floats, rng: np.random.Generator, scheme: Scheme = "fba") -> Trimap:
    """A trimap with the random band that a paper trains with.

    Args:
        alpha: Matte (H, W) in [0, 1].
        rng: Decides the radii.
        scheme: Of which paper.
    """
    check_choice("scheme", scheme, get_args(Scheme))
    least, most = RADII[scheme]
    outer, inner = (int(radius) for radius in rng.integers(least, most + 1, 2))
    if scheme == "fba":
        return eroded_trimap(alpha, outer, inner)
    return dilated_trimap(alpha, outer, outer if scheme == "dim" else inner)


def dilated_trimap(alpha: Floats, outer: float, inner: float | None = None) -> Trimap:
    """A trimap whose unknown pixels lie near fractional ones.

    AdaMatting's D-n for one radius; LSA's training for two. A matte without fractional pixels has
    no unknown ones either.

    Args:
        alpha: Matte (H, W) in [0, 1].
        outer: Greatest Euclidean distance in px of an unknown pixel that is not opaque.
        inner: That of an opaque one; as `outer` when None.

    Raises:
        InputError: A negative radius.
    """
    inner = outer if inner is None else inner
    _check_radii(outer, inner)
    opaque = alpha >= 1
    distance = distance_to((alpha > 0) & ~opaque)
    trimap = np.where(opaque, 255, 0).astype(np.uint8)
    trimap[distance <= np.where(opaque, inner, outer)] = UNKNOWN
    return trimap


def eroded_trimap(alpha: Floats, outer: float, inner: float) -> Trimap:
    """A trimap that keeps what lies deep inside the opaque and the clear pixels (FBA).

    Args:
        alpha: Matte (H, W) in [0, 1].
        outer: A clear pixel is known if all others are farther than that, in px.
        inner: An opaque pixel is known if all others are farther than that, in px.

    Raises:
        InputError: A negative radius.
    """
    _check_radii(outer, inner)
    trimap = np.full(alpha.shape, UNKNOWN, np.uint8)
    trimap[distance_to(alpha > 0) > outer] = 0
    trimap[distance_to(alpha < 1) > inner] = 255
    return trimap


def widened(trimap: Trimap, distance: float) -> Trimap:
    """A trimap whose unknown region has grown by a Euclidean distance in px.

    Args:
        trimap: (H, W): 0 background, 255 foreground, any other level unknown.
        distance: At least 0.
    """
    _check_radii(distance, 0)
    unknown = (trimap != 0) & (trimap != 255)
    grown: Trimap = np.where(distance_to(unknown) <= distance, UNKNOWN, trimap).astype(np.uint8)
    return grown


def distance_to(pixels: Mask) -> Floats:
    """Exact Euclidean distance of each pixel to the nearest of a set, infinite without one.

    Args:
        pixels: The set (H, W).
    """
    if not pixels.any():
        return np.full(pixels.shape, np.inf, np.float32)
    outside = (~pixels).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, np.float32)


def _check_radii(outer: float, inner: float) -> None:
    if not (outer >= 0 and inner >= 0):
        raise InputError(f"radii {outer} and {inner}: give px, at least 0")
