"""Outlines and lines in an object's own frame, and the pose that takes them to pixels.

The frame has its origin at the object's centre, x to the right, y down, and the object reaches to
about 1 from the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.scenes.canvas import Points

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Place of an object in the image.

    Attributes:
        x: Centre, pixels from the left.
        y: Centre, pixels from the top.
        radius: Pixels per unit of the object's frame.
        angle: Rotation in radians.
        aspect: Width over height of the stretched frame.
        mirror: -1 swaps left and right, 1 does not.
    """

    x: float
    y: float
    radius: float
    angle: float = 0.0
    aspect: float = 1.0
    mirror: float = 1.0

    def at(self, points: ArrayLike) -> Points:
        """Points (..., 2) of the frame as pixels."""
        x, y = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        x, y = x * self.mirror * np.sqrt(self.aspect), y / np.sqrt(self.aspect)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)
        return np.asarray(turned * self.radius + [self.x, self.y], np.float64)


def ellipse(x: float, y: float, rx: float, ry: float | None = None, angle: float = 0.0) -> Points:
    """Outline (64, 2) of an ellipse, turned by `angle` radians; a circle without `ry`."""
    t = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    u, v = rx * np.cos(t), (rx if ry is None else ry) * np.sin(t)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([x + u * cos - v * sin, y + u * sin + v * cos], axis=-1)


def blob(
    rng: np.random.Generator, x: float, y: float, rx: float, ry: float, rough: float
) -> Points:
    """Outline (96, 2) of an ellipse whose radius wavers by about the fraction `rough`."""
    t = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    order = np.arange(2, 7)
    size = rng.normal(0, rough, 5) / np.sqrt(order)
    r = 1 + np.sin(np.outer(t, order) + rng.uniform(0, 2 * np.pi, 5)) @ size
    return np.stack([x + rx * r * np.cos(t), y + ry * r * np.sin(t)], axis=-1)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """Outline (4, 2) of an upright rectangle."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)


def curve(points: ArrayLike, count: int = 32) -> Points:
    """A smooth line (count, 2) through the given points (N, 2) (Catmull and Rom's spline)."""
    p = np.asarray(points, np.float64)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, len(p) - 3, count)
    i = np.minimum(t.astype(int), len(p) - 4)
    f = (t - i)[:, None]
    a, b, c, d = p[i], p[i + 1], p[i + 2], p[i + 3]
    line = b + f / 2 * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)))
    return np.asarray(line, np.float64)


def closed_curve(points: ArrayLike, count: int = 96) -> Points:
    """A smooth closed outline (count, 2) through the given points (N, 2)."""
    p = np.asarray(points, np.float64)
    line = curve(np.concatenate([p[-2:], p, p[:2]]), count + 3 * count // len(p))
    start = round(2 * len(line) / (len(p) + 3))
    return line[start : start + count]


def ribbon(line: Points, half: Values | float) -> Points:
    """The sides (2, N, 2) of a line (N, 2) of half-widths (N,)."""
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    across *= np.broadcast_to(half, len(line))[:, None]
    return np.stack([line + across, line - across])


def tube(line: Points, start: float, end: float) -> Points:
    """Outline (2N, 2) round a line (N, 2) whose half-width goes from `start` to `end`."""
    left, right = ribbon(line, np.linspace(start, end, len(line)))
    return np.concatenate([left, right[::-1]])


def strands(
    rng: np.random.Generator,
    roots: Points,
    angles: NDArray[np.float64],
    lengths: NDArray[np.float64],
    locks: NDArray[np.int64],
    curl: float,
    turn: NDArray[np.float64] | float = 0.0,
    count: int = 10,
) -> Points:
    """Bent lines (N, count, 2) that grow from roots (N, 2), alike within a lock.

    Args:
        rng: Source of the bends.
        roots: Begin of each, (N, 2).
        angles: Direction at the root, (N,), radians.
        lengths: Length of each, (N,), in the unit of the roots.
        locks: Number of the lock of each, (N,), from 0.
        curl: Spread of the bend along a strand, radians.
        turn: Further bend of each from root to tip, (N,), radians.
        count: Points of each line.
    """
    groups = int(locks.max(initial=0)) + 1
    bend, wave = rng.normal(0, curl, (2, groups))[:, locks, None]
    bend = bend + rng.normal(0, curl / 3, (len(roots), 1)) + np.reshape(turn, (-1, 1))
    wave = wave + rng.normal(0, curl / 4, (len(roots), 1))
    phase = rng.uniform(0, 2 * np.pi, groups)[locks, None]
    t = np.linspace(0, 1, count)
    heading = angles[:, None] + bend * t + wave * (np.sin(6 * t + phase) - np.sin(phase))
    step = np.stack([np.cos(heading), np.sin(heading)], axis=-1) * lengths[:, None, None]
    path = np.cumsum(step / (count - 1), axis=1)
    return np.asarray(roots[:, None] + path - path[:, :1], np.float64)
