"""Scenes for practice: which object is wanted, and the matte that a session begins with."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.masks import Mistakes, spoiled

Floats = NDArray[np.float32]

PASTED = 0.6  # share of the crops that get an object of another crop
SMALLEST, LARGEST = 0.35, 0.95  # of the size of such an object, relative to its own crop
WANTED = (0.42, 0.42, 0.16)  # the crop's own object, the other one, both
LEAST = 0.004  # of the crop that a wanted object covers
NOTHING = 0.45  # share of the sessions that begin with nothing
EVERYTHING = 0.3  # of the others: with all objects, also those that are not wanted
SHIFTED = 12  # px, most


class Scene(NamedTuple):
    """A crop to practise on.

    Attributes:
        image: RGB (H, W, 3) in [0, 1].
        wanted: Matte (H, W) of the wanted objects.
        every: Matte of all objects.
    """

    image: Floats
    wanted: Floats
    every: Floats


def draw_scene(
    own: tuple[Floats, Floats], other: tuple[Floats, Floats], rng: np.random.Generator
) -> Scene:
    """A crop with an object to select, perhaps beside one of another crop.

    Args:
        own: Image (H, W, 3) in [0, 1] and matte (H, W) of the crop.
        other: The same of another one.
        rng: Decides.

    Note:
        The other object brings its own photograph's colours along in its soft edges.
    """
    image, alpha = own
    if rng.random() >= PASTED:
        return Scene(image, alpha, alpha)
    colours, pasted = _moved(*other, rng)
    if pasted.mean() < LEAST:
        return Scene(image, alpha, alpha)
    if rng.random() < 0.5:  # it lies behind the crop's own object
        pasted = pasted * (1 - alpha)
        first, second = alpha, pasted
    else:
        first, second = alpha * (1 - pasted), pasted
    shown = image * (1 - pasted[..., None]) + colours * pasted[..., None]
    every = (first + second).clip(0, 1)
    choice = int(rng.choice(3, p=WANTED))
    wanted = (first, second, every)[choice]
    if (wanted > 0.9).mean() < LEAST:
        wanted = every
    return Scene(shown.astype(np.float32), wanted, every)


def draw_start(scene: Scene, rng: np.random.Generator) -> Floats:
    """The matte (H, W) to begin with: nothing, another object, or one with mistakes."""
    if rng.random() < NOTHING:
        return np.zeros_like(scene.wanted)
    begun = scene.every if rng.random() < EVERYTHING else scene.wanted
    if rng.random() < 0.1:  # an automatic matte that took the other object
        begun = (scene.every - scene.wanted).clip(0, 1)
    if rng.random() < 0.3:
        begun = spoiled(begun, _mistakes(begun.shape[0], rng), rng)
    for _ in range(int(rng.integers(0, 4))):
        begun = _with_part(begun, scene.wanted, rng)
    if rng.random() < 0.3:
        begun = _blurred(begun, float(rng.uniform(0.5, 4)))
    if rng.random() < 0.15:  # a matte that is unsure
        begun = begun * rng.uniform(0.3, 1) + rng.uniform(0, 0.3)
    return np.asarray(begun, np.float32).clip(0, 1)


def _moved(image: Floats, alpha: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """An object of another crop, smaller and elsewhere, at times mirrored."""
    size = image.shape[0]
    scale = rng.uniform(SMALLEST, LARGEST)
    angle = rng.normal(0, 12)
    rows, columns = np.nonzero(alpha > 0.5)
    centre = (float(columns.mean()), float(rows.mean())) if rows.size else (size / 2, size / 2)
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    matrix[:, 2] += rng.uniform(0.1, 0.9, 2) * size - centre
    if rng.random() < 0.5:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
    planes = np.dstack([image, alpha])
    planes = _blurred(planes, 0.4 / scale) if scale < 0.7 else planes
    # Where a crop cuts its object, so does the picture of it.
    moved = cv2.warpAffine(planes, matrix, (size, size), flags=cv2.INTER_LINEAR)
    made = np.asarray(moved, np.float32).clip(0, 1)
    return made[..., :3], np.ascontiguousarray(made[..., 3])


def _mistakes(size: int, rng: np.random.Generator) -> Mistakes:
    shift = tuple(rng.uniform(-SHIFTED, SHIFTED, 2)) if rng.random() < 0.4 else (0.0, 0.0)
    growth = float(rng.uniform(-10, 14)) if rng.random() < 0.6 else 0.0
    holes = tuple(rng.uniform(0.02, 0.15, int(rng.integers(0, 3))) * size)
    blur = float(rng.uniform(0.5, 6)) if rng.random() < 0.4 else 0.0
    return Mistakes(shift=(float(shift[0]), float(shift[1])), growth=growth, holes=holes, blur=blur)


def _with_part(begun: Floats, wanted: Floats, rng: np.random.Generator) -> Floats:
    """A matte that misses a part of the object, or takes a part of the background.

    The part is an ellipse, or one side of a line, near a pixel of the object's or outside it.
    """
    size = wanted.shape[0]
    missing = bool(rng.random() < 0.5)
    rows, columns = np.nonzero(wanted > 0.5 if missing else wanted < 0.5)
    if not rows.size:
        return begun
    chosen = int(rng.integers(rows.size))
    y, x = int(rows[chosen]), int(columns[chosen])
    part = np.zeros((size, size), np.float32)
    if missing and rng.random() < 0.35:
        angle = rng.uniform(0, 2 * np.pi)
        down, across = np.ogrid[:size, :size]
        part[(across - x) * np.cos(angle) + (down - y) * np.sin(angle) > 0] = 1
    else:
        axes = rng.uniform(0.03, 0.25, 2) * size
        sides = (max(int(axes[0]), 2), max(int(axes[1]), 2))
        cv2.ellipse(part, (x, y), sides, float(rng.uniform(0, 180)), 0, 360, 1.0, cv2.FILLED)
    if rng.random() < 0.5:
        part = _blurred(part, float(rng.uniform(0.5, 5)))
    made: Floats = begun * (1 - part) if missing else np.maximum(begun, part)
    return made


def _blurred(plane: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
