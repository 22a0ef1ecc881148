"""Brush strokes on a photograph: what they keep, remove and leave to the guided model."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.serve.edits import Click, Stroke

NOTHING, REMOVE, KEEP, OPEN = 0, 1, 2, 3
LABELS = {"remove": REMOVE, "keep": KEEP, "unknown": OPEN}
CLICKED = 3  # px around a click that are known among unknown ones


class Painting(NamedTuple):
    """Painted pixels.

    Attributes:
        labels: uint8 (h, w) of `NOTHING`, `REMOVE`, `KEEP` and `OPEN`.
        area: Rows and columns of the photograph that the labels cover.
    """

    labels: NDArray[np.uint8]
    area: tuple[slice, slice]

    @property
    def is_open(self) -> bool:
        """Some pixels are left to the guided model."""
        return bool((self.labels == OPEN).any())


def paint(edits: tuple[Click | Stroke, ...], height: int, width: int) -> Painting | None:
    """The strokes, each over those before it; None without a stroke.

    Args:
        edits: Corrections in their order. A click tells what unknown pixels around it are, and
            wipes off connected paint of the other meaning under it.
        height: Of the photograph in px.
        width: Of the photograph in px.
    """
    strokes = [edit for edit in edits if isinstance(edit, Stroke)]
    if not strokes:
        return None
    reach = [np.array(s.path) + sign * np.ceil(s.radius) for s in strokes for sign in (-1, 1)]
    corners = np.concatenate(reach)
    left, top = np.maximum(corners.min(axis=0), 0).astype(int)
    right, bottom = np.minimum(corners.max(axis=0) + 1, (width, height)).astype(int)
    labels = np.zeros((bottom - top, right - left), np.uint8)
    for edit in edits:
        if isinstance(edit, Stroke):
            path = np.array(edit.path, np.int32) - (left, top)
            _draw(labels, path, edit.radius, LABELS[edit.mark])
        elif _inside(labels, edit.x - left, edit.y - top):
            _click(labels, edit.x - left, edit.y - top, LABELS[edit.mark])
    return Painting(labels, (slice(top, bottom), slice(left, right)))


def _draw(labels: NDArray[np.uint8], path: NDArray[np.int32], radius: float, label: int) -> None:
    """A polyline with round ends; a radius of 0.5 px is a line of single pixels."""
    across = max(1, round(2 * radius))
    cv2.polylines(labels, [path.reshape(-1, 1, 2)], False, label, across, cv2.LINE_8)
    if across > 2:
        for x, y in path.tolist():
            cv2.circle(labels, (x, y), round(radius), label, cv2.FILLED)


def _click(labels: NDArray[np.uint8], x: int, y: int, label: int) -> None:
    """Make unknown pixels around a click known; wipe off paint of the other meaning under it."""
    painted = labels[y, x]
    if painted == OPEN:
        known = np.zeros_like(labels)
        cv2.circle(known, (x, y), CLICKED, 1, cv2.FILLED)
        labels[(known > 0) & (labels == OPEN)] = label
    elif painted not in (NOTHING, label):
        _, parts = cv2.connectedComponents((labels == painted).astype(np.uint8), connectivity=8)
        labels[parts == parts[y, x]] = NOTHING


def _inside(labels: NDArray[np.uint8], x: int, y: int) -> bool:
    height, width = labels.shape
    return bool(0 <= y < height and 0 <= x < width)
