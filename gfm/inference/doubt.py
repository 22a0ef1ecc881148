"""The error that an automatic matte is expected to have, without knowing the true one.

Two signs are weighed: the entropy of the classes that the network saw, and the difference between
its matte and that of the mirror image, seen in one view.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Click
from gfm.guidance.simulated_user import deepest_pixel
from gfm.models.contract import Prediction
from rssn.imaging.resizing import resize

ENTROPY, VIEWS = 0.14, 1.4
"""Weights of the signs, fitted to 36 labelled photographs under permissive licences and rounded
(docs/review.md)."""

SIDE = 320  # px, longer side of the map
WRONG = 0.15  # expected error of a pixel that a click may go to

Map = NDArray[np.float32]


@dataclass(frozen=True)
class Doubt:
    """Expected errors of a matte of height H and width W.

    Attributes:
        expected_error: Expected mean absolute difference from the true matte.
        entropy: Mean entropy of the classes, 0 sure to 1.
        views: Mean absolute difference between the views.
        click: Where a person should click first; None where nothing is doubtful.
        map: Expected error by pixel, float32 (h, w), at most 320 px on its longer side.
    """

    expected_error: float
    entropy: float
    views: float
    click: Click | None
    map: Map


def doubt_of(alpha: Map, automatic: Prediction, mirrored: Map) -> Doubt:
    """The doubt about a matte.

    Args:
        alpha: The finished matte (H, W).
        automatic: What an automatic system predicted, with its classes.
        mirrored: Alpha (H, W) that it predicted for the mirror image, turned back.

    Raises:
        ValueError: The prediction has no classes.
    """
    if automatic.classes is None:
        raise ValueError("the prediction has no classes")
    height, width = alpha.shape
    scale = min(1.0, SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    entropy = resize(entropy_of(automatic.classes), size)
    views = resize(np.abs(automatic.alpha - mirrored), size)
    expected = (ENTROPY * entropy + VIEWS * views).clip(0, 1)
    return Doubt(
        float(expected.mean(dtype=np.float64)),
        float(entropy.mean(dtype=np.float64)),
        float(views.mean(dtype=np.float64)),
        first_click(expected, resize(alpha, size), (height, width)),
        expected,
    )


def entropy_of(classes: Map) -> Map:
    """Entropy (h, w) of class probabilities (C, h, w), relative to that of equal ones."""
    known = classes.clip(1e-6, 1)
    entropy: Map = -(known * np.log(known)).sum(axis=0) / np.float32(np.log(len(classes)))
    return entropy.clip(0, 1)


def first_click(expected: Map, alpha: Map, size: tuple[int, int]) -> Click | None:
    """The centre of the region whose squared expected errors sum up to most.

    Args:
        expected: Expected error (h, w).
        alpha: The matte (h, w); a region lies on one side of 0.5, and is expected to belong to the
            other.
        size: Height and width of the photograph, in whose px the click is.
    """
    best, region, meaning = 0.0, None, False
    for positive in (False, True):
        mask = (expected >= WRONG) & ((alpha < 0.5) == positive)
        _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
        costs = np.bincount(labels.ravel(), weights=np.square(expected, dtype=np.float64).ravel())
        costs[0] = 0  # all else
        if costs.max() > best:
            best, region, meaning = float(costs.max()), labels == costs.argmax(), positive
    if region is None:
        return None
    row, column = deepest_pixel(region)
    y, x = (
        min(int((place + 0.5) * whole / small), whole - 1)
        for place, whole, small in zip((row, column), size, expected.shape, strict=True)
    )
    return Click(x, y, meaning)
