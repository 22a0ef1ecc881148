"""Things made of a lattice: cups, baskets and bird cages; crates, chairs, fences and trellises."""

from __future__ import annotations

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.lattices.assembly import Assembly, Look
from data_tools.scenes.lattices.parts import draw_look, draw_mesh, draw_size, lay, panel, slats
from data_tools.scenes.lattices.patterns import LATTICES, revolved, sheet
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


def draw_crate(painter: Painter) -> None:
    """Draw a crate of slats, a wire cage or a woven hamper, open at the top; by chance on legs."""
    rng = painter.rng
    it = Assembly(painter, yaw=rng.uniform(-0.8, 0.8), tilt=rng.uniform(0.1, 0.6))
    half = rng.uniform([0.45, 0.2, 0.3], [0.75, 0.6, 0.6])
    slatted, number = rng.random() < 0.5, int(rng.integers(2, 6))
    mesh = draw_mesh(painter, "grid", "grid", "diamonds", "weave")
    look = draw_look(painter, wooden=slatted or mesh.name == "weave")
    post, board = rng.uniform(0.015, 0.05), half[1] / number * rng.uniform(0.4, 0.75)
    legs = half[1] + (rng.uniform(0.1, 0.4) if rng.random() < 0.3 else 0)
    down = np.array([0, 2 * half[1], 0])
    for cos, sin in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        across = 2 * half * [cos, 0, -sin]
        corner = half * [sin - cos, -1, cos + sin]
        if slatted:
            ends = corner + np.array([0 * across, across]) + [0, board, 0]
            slats(it, ends, ends + down - [0, 2 * board, 0], number, board)
        else:
            wide = float(np.linalg.norm(across))
            lay(it, mesh, sheet(corner, across, down), wide, 2 * half[1])
            it.wire([corner, corner + across], max(mesh.width * 1.3, draw_size(painter, 2, 7)))
        it.beam(corner, [corner[0], legs, corner[2]], post, post)
    for x in np.linspace(-0.9, 0.9, 9):
        start, end = half * [x, 1, -0.97] - [0, 0.03, 0], half * [x, 1, 0.97] - [0, 0.03, 0]
        it.beam(start, end, 0.01, half[0] * (0.08 if slatted else 0.02))
    it.paint(None, look)


def draw_chair(painter: Painter) -> None:
    """Draw a chair or bench of tubes or beams with wicker, cane, mesh or slats between them."""
    rng = painter.rng
    it = Assembly(painter, yaw=rng.uniform(-0.9, 0.9), tilt=rng.uniform(0.05, 0.45))
    wide, deep = rng.uniform(0.32, 0.75), rng.uniform(0.28, 0.42)
    seat, lean, thick = rng.uniform(0.0, 0.25), rng.uniform(0, 0.2), rng.uniform(0.02, 0.05)
    rail, back = seat - 0.15, -deep - lean  # the lower rail of the backrest, and how far its top is
    round_, wooden, across = rng.random() < 0.6, rng.random() < 0.7, np.array([2 * wide, 0, 0])
    panel(it, np.array([-wide, -0.95, back]), across, np.array([0, rail + 0.95, lean]))
    if rng.random() < 0.7:
        panel(it, np.array([-wide, seat, -deep]), across, np.array([0, 0, 2 * deep]))
    else:
        it.beam([0, seat, -deep], [0, seat, deep], 0.03, wide)
    if rng.random() < 0.5:
        it.paint(None, draw_look(painter, wooden))
    spread, arm = wide * rng.uniform(1, 1.1), seat - rng.uniform(0.25, 0.4)
    rails = ((-0.95, back), (rail, -deep), (seat, -deep), (seat, deep))
    bars = [([-wide, y, z], [wide, y, z]) for y, z in rails]
    armed = rng.random() < 0.6
    for side in (-1, 1):
        x, foot = side * wide, side * spread
        bars += [([x, -0.95, back], [x, rail, -deep]), ([x, rail, -deep], [foot, 1, -deep])]
        bars += [([x, seat, -deep], [x, seat, deep]), ([x, seat, deep], [foot, 1, deep])]
        if armed:
            bars += [([x, arm, -deep], [x, arm, deep]), ([x, arm, deep], [x, seat, deep])]
    for start, end in bars:
        if round_:
            it.wire(np.linspace(start, end, 9), 2 * thick * it.pose.radius)
        else:
            it.beam(start, end, thick, thick)
    it.paint(None, draw_look(painter, wooden))


def draw_fence(painter: Painter) -> None:
    """Draw a fence, gate or trellis: a panel between posts, often cut by the picture's border."""
    rng = painter.rng
    it = Assembly(painter, yaw=rng.uniform(-0.7, 0.7), tilt=rng.uniform(0, 0.3))
    wide, tall = rng.uniform(0.5, 1.8), rng.uniform(0.35, 0.9)
    thick, look = rng.uniform(0.02, 0.07), draw_look(painter, wooden=rng.random() < 0.7)
    across, down = np.array([2 * wide, 0, 0]), np.array([0, 2 * tall, 0])
    corner = np.array([-wide, -tall, 0])
    if rng.random() < 0.6:
        mesh = draw_mesh(painter, "diamonds", "grid", "hexagons", "weave")
        lay(it, mesh, sheet(corner, across, down), 2 * wide, 2 * tall)
    else:
        number = int(rng.integers(5, 24))
        ends = corner + np.array([0 * down, down])
        slats(it, ends, ends + across, number, wide / number * rng.uniform(0.2, 0.75))
    for share in (0.12, 0.88):
        it.beam(corner + share * down, corner + share * down + across, thick * 0.7, 0.02)
    for share in np.linspace(0, 1, int(rng.integers(2, 5))):
        foot = corner + share * across
        it.beam(foot - [0, 0.08, 0], foot + down + [0, rng.uniform(0, 0.3), 0], thick, thick)
    it.paint(None, look)


FORMS = (draw_cup, draw_cup, draw_chair, draw_crate, draw_cage, draw_fence)
