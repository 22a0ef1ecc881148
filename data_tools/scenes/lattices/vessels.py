"""Round walls of a lattice: mesh cups, baskets and bowls, bird cages."""

from __future__ import annotations

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.lattices.assembly import Assembly, Look
from data_tools.scenes.lattices.parts import draw_look, draw_mesh, draw_size, lay
from data_tools.scenes.lattices.patterns import LATTICES, revolved
from data_tools.scenes.painter import Painter
from data_tools.scenes.shapes import blob, curve, tube


def draw_cup(painter: Painter) -> None:
    """Draw a cup, basket or bowl of mesh or wicker; by chance with sticks or fruits in it."""
    rng = painter.rng
    it = Assembly(painter, yaw=rng.uniform(0, 6), tilt=rng.uniform(0.05, 0.5))
    low, tall = rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.85)
    high = low * rng.uniform(0.95, 1.4)
    middle = (low + high) / 2 * rng.uniform(0.97, 1.2)
    mesh = draw_mesh(painter, "diamonds", "hexagons", "grid", "weave")
    look = draw_look(painter, wooden=mesh.name == "weave")
    lay(it, mesh, revolved(curve([[high, -tall], [middle, 0], [low, tall]])), 6 * middle, 2 * tall)
    for radius, height in ((high, -tall), (low, tall)):
        it.wire(_ring(radius, height), max(mesh.width * 1.2, draw_size(painter, 3, 12)))
    _finish(it, look, low, tall, sticks=True)


def draw_cage(painter: Painter) -> None:
    """Draw a cage for a bird: bars to a dome with a ring on top, hoops, and a tray."""
    rng = painter.rng
    it = Assembly(painter, yaw=rng.uniform(0, 6), tilt=rng.uniform(0.02, 0.35))
    wide, dome, t = rng.uniform(0.4, 0.6), rng.uniform(-0.5, -0.1), np.linspace(0, np.pi / 2, 17)
    cap = np.stack([wide * np.sin(t), dome - (dome + 0.9) * np.cos(t)], axis=-1)
    wall = np.stack([np.full(24, wide), np.linspace(dome, 0.8, 24)], axis=-1)
    width = draw_size(painter, 1.5, 4)
    bars, hoops = int(rng.integers(14, 44)), int(rng.integers(2, 7))
    it.lattice(revolved(np.concatenate([cap, wall])), LATTICES["grid"](bars, hoops), width)
    it.wire(_ring(wide, 0.8), width * rng.uniform(2, 5))
    hook = 0.07 * np.stack([np.sin(t * 4), -np.cos(t * 4) - 1, 0 * t], axis=-1) - [0, 0.9, 0]
    it.wire(hook, width)
    _finish(it, draw_look(painter, wooden=False), wide, 0.8, sticks=False)


def _ring(radius: float, height: float) -> Points:
    turn = np.linspace(0, 2 * np.pi, 65)
    return np.stack([radius * np.sin(turn), np.full(65, height), radius * np.cos(turn)], axis=-1)


def _finish(it: Assembly, look: Look, wide: float, tall: float, sticks: bool) -> None:
    """Paint base, back wall, contents and front wall, from far to near."""
    bottom = it.painter.fill(it.pixels(_ring(wide, tall)))
    dark = look.colours * np.float32(0.6)
    it.painter.add(bottom, colours=dark, pattern=look.pattern, gloss=look.gloss)
    it.paint(False, look)
    _fill(it, wide, tall, sticks)
    it.paint(True, look)


def _fill(it: Assembly, wide: float, tall: float, sticks: bool) -> None:
    """Put fruits, or sticks if they fit, or by chance nothing between back and front wall."""
    painter, rng = it.painter, it.painter.rng
    kind, size = rng.random(), rng.uniform(0.3, 0.5) * wide
    for _ in range(rng.integers(1, 7)):
        x, z = rng.uniform(-0.45, 0.45, 2) * wide
        if sticks and kind < 0.3:
            lean, reach = rng.normal(0, 0.15), rng.uniform(0.2, 0.8)
            ends = it.pixels([[x, tall, z], [x + lean, -tall - reach, z]])
            thick = it.pose.radius * rng.uniform(0.015, 0.06)
            painter.add(painter.fill(tube(ends, thick, thick)), relief=0.02, gloss=0.4)
        elif kind < 0.45:
            cx, cy = it.pixels([x, tall - size - rng.uniform(0, 1.6) * (tall - size), z])
            radius = size * it.pose.radius
            painter.add(painter.fill(blob(rng, cx, cy, radius, radius, 0.03)), gloss=0.3)
