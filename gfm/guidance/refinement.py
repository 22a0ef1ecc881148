"""The trimap by which a guided system refines an automatic matte, and what is taken of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import UNKNOWN, Floats, Mask, Trimap
from gfm.guidance.masks import SOLID, contour
from rssn.imaging.resizing import enlarge_rows, resize

SOFT = 0.05  # alpha that near to 0 or 1 is no transition
# All relative to the shorter side of the photograph:
NARROW = 0.008  # the band to both sides of an edge
THICK = 0.006  # half of the width from which on soft alpha stands for hair, nets and the like
WIDE = 0.02  # the band around that, as far as the glance saw transition
LEAST = 2  # px, of all bands
NEARBY = 0.05  # standard deviation of the neighbourhood in which two mattes are compared
COARSE = 128  # px, shorter side at which they are
AGREE, DISAGREE = 0.15, 0.35  # difference of their means there
STRIP = 256  # rows that are finished at a time, so that large mattes cost little memory


def trimap_from_matte(
    alpha: Floats, regions: NDArray[np.uint8] | None = None, side: int | None = None
) -> Trimap:
    """A trimap of an automatic matte: narrow where it is sure, wide where it is soft.

    Args:
        alpha: Automatic matte (H, W) in [0, 1].
        regions: Where its system saw background (0), transition (1) and foreground (2), (H, W);
            None lets all of the wide bands stand.
        side: Shorter side of the photograph, where `alpha` is a part of it.

    Returns:
        (H, W) of 0, 128 and 255; without an edge in the matte nothing is unknown.
    """
    side = min(alpha.shape) if side is None else side
    soft, solid = (alpha > SOFT) & (alpha < 1 - SOFT), alpha > SOLID
    unknown = grown(soft | contour(solid), NARROW * side)
    disc = _disc(THICK * side, least=1)
    thick = cv2.morphologyEx(soft.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0
    wide = grown(thick, WIDE * side)
    unknown |= wide if regions is None else wide & (regions == 1)
    trimap: Trimap = np.where(unknown, UNKNOWN, np.where(solid, 255, 0)).astype(np.uint8)
    return trimap


def keep_extent(automatic: Floats, refined: Floats) -> None:
    """Take the automatic matte back where the refined one loses or adds whole parts.

    The automatic system knows what the object is, the guided one where its edges run. So their
    means over a neighbourhood agree where refining only draws strands and holes. Where they differ
    by `DISAGREE` or more, the automatic matte stands; from `AGREE` on it comes in gradually.

    Args:
        automatic: Matte (H, W) in [0, 1].
        refined: Matte (H, W) in [0, 1]; changed in place.
    """
    height, width = refined.shape
    shrunk = min(1.0, COARSE / min(height, width))
    size = max(1, round(height * shrunk)), max(1, round(width * shrunk))
    difference = resize(automatic, size) - resize(refined, size)
    nearby = cv2.GaussianBlur(difference, (0, 0), NEARBY * min(size))
    share = ((np.abs(nearby) - AGREE) / (DISAGREE - AGREE)).clip(0, 1)
    if not share.any():
        return
    share = (share * share * (3 - 2 * share)).astype(np.float32)
    for start in range(0, height, STRIP):
        rows = slice(start, min(start + STRIP, height))
        weight = enlarge_rows(share, (height, width), rows)
        refined[rows] += weight * (automatic[rows] - refined[rows])


def grown(pixels: Mask, radius: float) -> Mask:
    """A set of pixels (H, W), dilated by a disc of a radius in px, at least 2."""
    return np.asarray(cv2.dilate(pixels.astype(np.uint8), _disc(radius, LEAST)) > 0)


def _disc(radius: float, least: int) -> NDArray[np.uint8]:
    side = 2 * max(least, round(radius)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(disc, np.uint8)
