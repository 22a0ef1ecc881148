"""The connectivity error: what one matte cuts off from the common body and the other does not.

Defined by Rhemann et al. (2009). Ω of a threshold is the largest 4-connected component of the
pixels where both mattes reach it. The level l of a pixel is the highest threshold up to which the
pixel stays in Ω. What a matte has above l counts as cut off: φ = 1 - d where d = matte - l is at
least θ = 0.15, and φ = 1 elsewhere. The error is |φ of the prediction - φ of the matte|.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.metrics.inputs import Convention, Floats

THETA = 0.15
# The released evaluation steps with rounding error (0.6000000000000001, above the level 153/255)
# and keeps levels in float32; both decide about pixels that lie on a threshold.
_STEPS = {
    "gfm": np.arange(0, 1.1, 0.1),
    "dim": np.arange(11) / 10,
    "lsa": np.arange(0, 1.1, 0.1),
}
_TOP = 10

Mask = NDArray[np.bool_]


def connectivity_error(pred: Floats, alpha: Floats, convention: Convention = "gfm") -> Floats:
    """Difference of the degrees of connectedness; its sum is Conn, in units of 1/1000.

    Args:
        pred: Predicted matte (H, W), float64 in [0, 1].
        alpha: True matte, likewise.
        convention: Decides about values on a threshold, and about a threshold that no pixel
            reaches: `gfm` skips it, and every pixel still in Ω gets level 1; for `dim` Ω is empty
            there, so they get the threshold before it.

    Returns:
        Error of each pixel (H, W), from 0 to 1.

    Note:
        The published programs also compute distances to Ω, which enter no result.
    """
    steps = _STEPS[convention]
    level = _levels(pred, alpha, steps, skip_empty=convention != "dim")
    if convention == "gfm":
        steps = steps.astype(np.float32).astype(np.float64)
    connected = steps[level]
    error: Floats = np.abs(_cut_off(pred, connected) - _cut_off(alpha, connected))
    return error


def _levels(pred: Floats, alpha: Floats, steps: Floats, skip_empty: bool) -> NDArray[np.uint8]:
    """Index of the threshold up to which each pixel stays in Ω, 0 to 10."""
    level = np.zeros(alpha.shape, np.uint8)
    inside = np.ones(alpha.shape, np.bool_)
    rounded = pred.astype(np.float32)  # networks predict in float32, mattes are read in float64
    for step in steps[1:]:
        omega = _largest_component((rounded >= step) & (alpha >= step))
        if omega is None:
            if skip_empty:
                level[inside] = _TOP
            break
        inside &= omega
        level += inside
    return level


def _largest_component(mask: Mask) -> Mask | None:
    """The largest 4-connected component, of equal ones the first in reading order."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.size == 0:
        return None
    largest: Mask = labels == 1 + int(areas.argmax())
    return largest


def _cut_off(matte: Floats, connected: Floats) -> Floats:
    above = matte - connected
    return np.where(above >= THETA, above, 0.0)
