"""Sizes, materials and panels that things of a lattice have in common."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.lattices.assembly import Assembly, Look
from data_tools.scenes.lattices.patterns import LATTICES, Surface, sheet
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import draw_palette

_NARROW = {"weave": 7.0, "cane": 10.0}  # the least cell of those with several strands in each


class Mesh(NamedTuple):
    """Pattern of a lattice, its cell and the width of its strands in pixels."""

    name: str
    cell: float
    width: float


def draw_size(painter: Painter, low: float, high: float) -> float:
    """Draw a length in pixels, given in pixels of a picture of 448."""
    size = math.exp(painter.rng.uniform(math.log(low), math.log(high)))
    return max(0.3, size * painter.unit / 448)


def draw_look(painter: Painter, wooden: bool) -> Look:
    """Draw a material: wood or cane, or metal, or now and then something lacquered."""
    rng = painter.rng
    if rng.random() < 0.25:
        return Look(painter.colours(), "mottled", rng.uniform(0, 0.8))
    if wooden:
        return Look(draw_palette(rng, "earth"), "grain", rng.uniform(0, 0.3))
    metal = draw_palette(rng, "pale" if rng.random() < 0.2 else "stone")
    return Look(metal * np.float32(rng.uniform(0.3, 1.1)), "gradient", rng.uniform(0.2, 0.7))


def draw_mesh(painter: Painter, *names: str) -> Mesh:
    """Draw one of the named patterns, its cell and its strands."""
    rng = painter.rng
    name = names[rng.integers(len(names))]
    cell = draw_size(painter, _NARROW.get(name, 5.0), 25)
    share = rng.uniform(0.3, 0.65) if name == "weave" else rng.uniform(0.12, 0.4)
    width = np.clip(cell * share, 1.5 * painter.unit / 448, 8 * painter.unit / 448)
    return Mesh(name, cell, max(0.3, float(width)))


def lay(it: Assembly, mesh: Mesh, surface: Surface, wide: float, tall: float) -> None:
    """Lay a lattice on a surface, `wide` by `tall` in the frame's unit."""
    columns, rows = (round(side * it.pose.radius / mesh.cell) for side in (wide, tall))
    it.lattice(surface, LATTICES[mesh.name](max(3, columns), max(2, rows)), mesh.width)


def slats(it: Assembly, first: Points, last: Points, number: int, half: float) -> None:
    """Add beams from the line `first` to the line `last`, (2, 3) each; `half` of their width."""
    for share in np.linspace(0, 1, number):
        start, end = first + share * (last - first)
        it.beam(start, end, half, 0.015)


def panel(it: Assembly, corner: Points, across: Points, down: Points) -> None:
    """Fill a panel from a corner (3,) along two sides (3,) with wicker, cane, mesh or slats."""
    rng = it.painter.rng
    if rng.random() < 0.75:
        mesh = draw_mesh(it.painter, "weave", "weave", "cane", "grid", "diamonds")
        wide, tall = float(np.linalg.norm(across)), float(np.linalg.norm(down))
        lay(it, mesh, sheet(corner, across, down, rng.normal(0, 0.04)), wide, tall)
        return
    along, step = (across, down) if rng.random() < 0.5 else (down, across)
    number = int(rng.integers(3, 12))
    half = float(np.linalg.norm(step)) / number * rng.uniform(0.15, 0.4)
    start = corner + np.array([0 * along, along])
    slats(it, start, start + step, number, half)
