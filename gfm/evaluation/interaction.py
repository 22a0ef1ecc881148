"""One photograph, a model, and a simulated user who clicks until the matte is right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks, keep_clicked
from gfm.guidance.simulated_user import Correction, User
from gfm.metrics import Convention, evaluate
from gfm.metrics.clicks import corrective_accuracy, intersection_over_union

Image = NDArray[np.uint8]  # RGB (H, W, 3)
Matte = NDArray[np.float32]  # (H, W) in [0, 1]
Truth = NDArray[Any]  # (H, W), bool or float in [0, 1]

Session = Callable[[Clicks], Matte]
"""All clicks so far to the matte; called after each click, in their order."""

Model = Callable[[Image, Matte | None], Session]
"""Begins a session on a photograph, from a matte to correct or from nothing."""

CLICKS = 20  # of each image in all published evaluations
CONVENTION: Convention = "dim"  # of the errors of mattes


class Step(NamedTuple):
    """Result of one click.

    Attributes:
        clicks: All clicks so far.
        correction: The last click and the errors that it was placed in.
        alpha: The matte (H, W) after it.
        seconds: Time that the model took.
    """

    clicks: Clicks
    correction: Correction
    alpha: Matte
    seconds: float


def interact(
    model: Model,
    image: Image,
    truth: Truth,
    user: User,
    count: int = CLICKS,
    start: Matte | None = None,
    clean: bool = False,
) -> Iterator[Step]:
    """Click until there is no error, or `count` times.

    Args:
        model: What is corrected.
        image: Photograph.
        truth: True mask or matte (H, W).
        user: Who clicks.
        count: Most clicks.
        start: Matte (H, W) before the first click; None is 0 everywhere.
        clean: Drop what no click on the object belongs to, as segmentations are evaluated.
    """
    session = model(image, start)
    alpha = np.zeros(truth.shape, np.float32) if start is None else start
    clicks = Clicks(truth.shape[1], truth.shape[0])
    while len(clicks) < count and (correction := user(alpha, truth)) is not None:
        clicks = clicks.add(correction.click)
        began = time.perf_counter()
        alpha = session(clicks)
        seconds = time.perf_counter() - began
        if clean:
            alpha = keep_clicked(alpha, clicks)
        yield Step(clicks, correction, alpha, seconds)


@dataclass
class Measured:
    """Figures of one photograph, after each click.

    A photograph that is right before the last click keeps its last figures.

    Attributes:
        clicks: The clicks, [x, y, positive].
        ious: Intersection over union.
        corrective: Corrective accuracy; of the clicks that were made.
        errors: Errors of the matte by metric, whole image; none of a mask.
        seconds: Times of the model.
        start: Intersection over union before the first click; None from nothing.
    """

    clicks: list[tuple[int, int, bool]] = field(default_factory=list)
    ious: list[float] = field(default_factory=list)
    corrective: list[float] = field(default_factory=list)
    errors: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    start: float | None = None


def measure(
    steps: Iterable[Step], truth: Truth, count: int = CLICKS, start: Matte | None = None
) -> Measured:
    """Measure the mattes of a session.

    Args:
        steps: Of `interact`.
        truth: True mask or matte (H, W). One with values that are neither 0, 1 nor void (near
            one half, as GrabCut's band) is a matte, and errors of alpha are measured.
        count: Number of clicks to fill the figures up to.
        start: Matte before the first click, which counts where no click is made.
    """
    measured = Measured()
    soft = is_matte(truth)
    if start is not None:
        measured.start = intersection_over_union(start, truth, void=not soft)
    for step in steps:
        click = step.correction.click
        measured.clicks.append((click.x, click.y, click.positive))
        accuracy = corrective_accuracy(step.alpha, truth, step.correction.region)
        measured.corrective.append(accuracy)
        measured.seconds.append(step.seconds)
        _append(measured, step.alpha, truth, soft)
    if not measured.ious:
        alpha = np.zeros(truth.shape, np.float32) if start is None else start
        _append(measured, alpha, truth, soft)
    for figures in (measured.ious, *measured.errors.values()):
        figures += figures[-1:] * (count - len(figures))
    return measured


def is_matte(truth: Truth) -> bool:
    """Distinguish a matte from a mask, whose void pixels are near one half."""
    values = np.asarray(truth, np.float64)
    return bool(((values > 0) & (values < 1) & (np.abs(values - 0.5) > 1 / 255)).any())


def _append(measured: Measured, alpha: Matte, truth: Truth, soft: bool) -> None:
    measured.ious.append(intersection_over_union(alpha, truth, void=not soft))
    if soft:
        for name, value in evaluate(alpha, truth, convention=CONVENTION).items():
            measured.errors.setdefault(name, []).append(value)
