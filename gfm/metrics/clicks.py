"""Metrics of segmentation by clicks (Forte's thesis, sections 2.4.2 and 3.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matte = NDArray[Any]  # (H, W), bool or float in [0, 1]

VOID = 0.25


def intersection_over_union(alpha: Matte, truth: Matte, *, void: bool = True) -> float:
    """Intersection over union of alpha >= 0.5 and truth == 1; 1 where both are empty.

    Args:
        alpha: Predicted matte (H, W) in [0, 1].
        truth: True mask or matte (H, W) in [0, 1].
        void: Leave out pixels with `|truth - 0.5| < 0.25`: the unlabelled band of GrabCut.
    """
    found, wanted = np.asarray(alpha) >= 0.5, np.asarray(truth) == 1
    seen = np.abs(np.asarray(truth, np.float64) - 0.5) >= VOID if void else True
    union = int(((found | wanted) & seen).sum())
    return int((found & wanted & seen).sum()) / union if union else 1.0


def number_of_clicks(ious: NDArray[np.floating[Any]], target: float) -> NDArray[np.int64]:
    """The first click that reaches an intersection over union: NoC.

    Args:
        ious: After each click (images, clicks).
        target: Threshold, e.g. 0.9.

    Returns:
        Number of clicks (images,); the number of all clicks where none reaches the target.
    """
    reached = ious >= target
    reached[:, -1] = True
    first: NDArray[np.int64] = np.argmax(reached, axis=1) + 1
    return first


def area_under_curve(ious: NDArray[np.floating[Any]]) -> float:
    """Mean intersection over union over all clicks and images (images, clicks): AuC."""
    return float(np.mean(ious, dtype=np.float64))


def share_above(ious: NDArray[np.floating[Any]], target: float) -> float:
    """Share of the images above an intersection over union after the last click."""
    return float(np.mean(ious[:, -1] > target))


def corrective_accuracy(alpha: Matte, truth: Matte, region: NDArray[np.bool_]) -> float:
    """Share of the region that a click was placed in that is right afterwards.

    Args:
        alpha: Matte (H, W) that the click led to.
        truth: True mask (H, W).
        region: Errors (H, W) of the matte before, one pixel at least.
    """
    right = (np.asarray(alpha) >= 0.5) == (np.asarray(truth) == 1)
    return float(right[region].mean())
