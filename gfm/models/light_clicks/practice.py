"""The simulated users of the training, at half the size of a crop."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.simulated_user import (
    Correction,
    NoisyUser,
    User,
    click_on_costliest_error,
    click_on_largest_error,
)

Floats = NDArray[np.float32]
Point = tuple[float, float, bool]  # x and y in px of the crop

SURE = 0.06  # true alpha that near to 0 or 1 may be clicked on
SHARES = (0.4, 0.2, 0.25, 0.15)  # largest, costliest, beside the centre, strokes
BESIDE = 5.0  # px of half the size
STROKE = 6  # clicks of a stroke, at most


class Person:
    """A user who corrects one crop in a way of their own.

    Args:
        truth: True matte (H, W) of the crop.
        rng: Decides how and where.
    """

    def __init__(self, truth: Floats, rng: np.random.Generator) -> None:
        half = halved(truth)
        self.truth = np.where(half < SURE, 0, np.where(half > 1 - SURE, 1, half))
        self.rng = rng
        kind = int(rng.choice(len(SHARES), p=SHARES))
        self.strokes = kind == 3
        user: User = click_on_costliest_error if kind == 1 else click_on_largest_error
        distance = float(rng.uniform(1, 2 * BESIDE))
        self.user = NoisyUser(user, rng, distance) if kind >= 2 else user
        self.points: list[Point] = []

    def correct(self, alpha: Floats) -> None:
        """Click once, or draw a stroke, on a matte (h, w) at half the size of the crop."""
        correction = self.user(alpha, self.truth)
        if correction is None:
            return
        pixels = self._stroke(correction) if self.strokes else [correction.click[:2]]
        positive = correction.click.positive
        self.points += [(2.0 * x + 1, 2.0 * y + 1, positive) for x, y in pixels]

    def _stroke(self, correction: Correction) -> list[tuple[int, int]]:
        """Pixels of a line from the click to another pixel of the region, as far as it is there."""
        x, y, _ = correction.click
        rows, columns = np.nonzero(correction.region)
        end = int(self.rng.integers(rows.size))
        steps = np.linspace(0, 1, STROKE)
        line = [
            (round(x + part * (int(columns[end]) - x)), round(y + part * (int(rows[end]) - y)))
            for part in steps
        ]
        return [each for each in line if correction.region[each[1], each[0]]]


def halved(plane: Floats) -> Floats:
    """A plane (H, W) at half its size."""
    size = (plane.shape[1] // 2, plane.shape[0] // 2)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)
