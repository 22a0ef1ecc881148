"""Regular patterns of strands, and the surfaces in space that they are laid on.

A pattern is a list of families of lines (L, N, 3): u and v in [0, 1] on the surface, and the lift
off it, -1 to 1, of strands that pass over and under one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from data_tools.scenes.canvas import Points

Solid = tuple[Points, Points]  # points (..., 3) in space and the outward normals there
Surface = Callable[[Points], Solid]
Pattern = Callable[[int, int], list[Points]]  # of columns and rows

_SMOOTH = 48  # steps of a line round a curved surface


def revolved(profile: Points) -> Surface:
    """Wall of a thing turned about the vertical axis: `profile` (N, 2) of radius and height."""
    along = np.linspace(0, 1, len(profile))

    def surface(uv: Points) -> Solid:
        turn = 2 * np.pi * uv[..., 0]
        radius, height = (np.interp(uv[..., 1], along, part) for part in profile.T)
        normal = np.stack([np.sin(turn), np.zeros_like(turn), np.cos(turn)], axis=-1)
        return normal * radius[..., None] + height[..., None] * np.array([0, 1, 0]), normal

    return surface


def sheet(corner: ArrayLike, across: ArrayLike, down: ArrayLike, bulge: float = 0.0) -> Surface:
    """A panel from a corner (3,) along two sides (3,), outwards by `bulge` in the middle."""
    origin, right, below = (np.asarray(each, np.float64) for each in (corner, across, down))
    outward = np.cross(right, below)
    outward /= np.linalg.norm(outward)

    def surface(uv: Points) -> Solid:
        u, v = uv[..., :1], uv[..., 1:2]
        rise = 16 * bulge
        slope_u = rise * (1 - 2 * u) * v * (1 - v) / (right @ right)
        slope_v = rise * (1 - 2 * v) * u * (1 - u) / (below @ below)
        normal = outward - slope_u * right - slope_v * below
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        points = origin + u * right + v * below + rise * u * (1 - u) * v * (1 - v) * outward
        return points, normal

    return surface


def _uprights(columns: int, steps: int, weave: float = 0.0) -> Points:
    """Lines (columns + 1, steps + 1, 3) of constant u; `weave` is the lift over the first row."""
    place, t = np.meshgrid(np.arange(columns + 1), np.linspace(0, 1, steps + 1), indexing="ij")
    lift = weave * np.cos(np.pi * (place + t * steps / 2))
    return np.stack([place / columns, t, lift], axis=-1)


def _grid(columns: int, rows: int) -> list[Points]:
    return [_uprights(columns, _SMOOTH), _uprights(rows, _SMOOTH)[..., [1, 0, 2]]]


def _weave(columns: int, rows: int) -> list[Points]:
    levels = _uprights(rows, 2 * columns, weave=-1)[..., [1, 0, 2]]
    return [_uprights(columns, 2 * rows, weave=1), levels]


def _diamonds(columns: int, rows: int) -> list[Points]:
    t = np.linspace(0, 1, rows * math.ceil(_SMOOTH / rows) + 1)
    # Lines that leave at one side come back from it in the other direction.
    away = (np.arange(2 * columns)[:, None] + t * rows) / columns % 2
    u = 1 - np.abs(1 - away)
    return [np.stack([u, np.broadcast_to(t, u.shape), np.zeros_like(u)], axis=-1)]


def _cane(columns: int, rows: int) -> list[Points]:
    return [*_weave(columns, rows), *_diamonds(columns, rows)]


def _hexagons(columns: int, rows: int) -> list[Points]:
    """Zigzags with flat tips, each of which touches the next row's: expanded metal."""
    x, row = (np.arange(4 * columns + 2) - 0.5) / 4, np.arange(rows)[:, None]
    step = np.floor(4 * x + 2 * (row % 2) + 1) % 4
    v = (row + np.isin(step, (0, 1))) / rows
    u = np.broadcast_to(np.clip(x / columns, 0, 1), v.shape)
    return [np.stack([u, v, np.zeros_like(v)], axis=-1)]


LATTICES: dict[str, Pattern] = {
    "grid": _grid,
    "weave": _weave,
    "diamonds": _diamonds,
    "cane": _cane,
    "hexagons": _hexagons,
}
