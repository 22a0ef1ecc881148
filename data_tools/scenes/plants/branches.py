"""Ferns, twigs and trees: leaves along lines and at the ends of branches."""

from __future__ import annotations

import math

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.foliage import arc, blade, droop
from data_tools.scenes.painter import Painter
from data_tools.scenes.plants.growth import UP, Growth, bark_surface, half_widths, heading, tint
from data_tools.scenes.plants.pot import Pot, lay_all, started
from data_tools.scenes.shapes import Values, curve, ribbon


def _frond(
    growth: Growth, line: Points, half: Values, pairs: int, long: float, lean: float, depth: float
) -> None:
    """Leaflets of half-widths (N,) on both sides of a line (M, 2), the longest `long`."""
    rng = growth.rng
    growth.add(depth, ribbon(line, np.linspace(2, 1, len(line)) * growth.thin(0.004)), growth.stem)
    t, grow, shrink = np.linspace(0, 1, len(line)), rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.8)
    sizes = t**grow * (1 - t) ** shrink
    sizes /= sizes.max()
    alternate = rng.random() < 0.4
    bend = rng.normal(0, 0.4)
    for number, place in enumerate(np.linspace(2, len(line) - 1, pairs).astype(int)):
        for side in (-1, 1):
            if alternate and number % 2 != (side > 0):
                continue
            size = long * max(sizes[place], 0.15) * rng.uniform(0.8, 1.1)
            angle = heading(line, place) + side * lean + rng.normal(0, 0.08)
            leaf = blade(line[place], angle, size, -side * bend, half * growth.thin(size * 0.5))
            growth.add(depth + rng.normal(0, 0.15), leaf)
    tip = blade(line[-1], heading(line, len(line) - 1), long * 0.3, 0, half * long * 0.12)
    growth.add(depth, tip)


def draw_fern(painter: Painter) -> None:
    """Draw a fern: fronds from one point, in a pot or cut by the lower border."""
    growth, pot = started(painter, potted=0.5, top=0.4)
    rng = growth.rng
    half = half_widths(rng, "narrow", count=9) * rng.uniform(0.12, 0.5)
    foot, long, hang = pot.top if pot else 0.8, rng.uniform(0.1, 0.3), rng.uniform(0.1, 0.6)
    lean, pairs = rng.uniform(0.7, 1.4), int(rng.integers(10, 26))
    for _ in range(rng.integers(3, 15)):
        angle = UP + rng.normal(0, 0.8)
        length = rng.uniform(0.5, 1.35)
        line = arc([0, foot], angle, length, droop(angle, hang * rng.uniform(0.3, 1.3)), 49)
        _frond(growth, line, half, pairs, long * rng.uniform(0.7, 1.1), lean, rng.normal(0, 1))
    lay_all(growth, pot)


def draw_twig(painter: Painter) -> None:
    """Draw a branch with leaves and berries that reaches in from anywhere."""
    growth = Growth(painter, turn=2)
    rng = growth.rng
    half = half_widths(rng, "narrow", "oval", "heart", "spoon") * rng.uniform(0.2, 0.8)
    lean = rng.uniform(0.4, 1.2)
    long, pairs = rng.uniform(0.12, 0.5), int(rng.integers(5, 18))
    if rng.random() < 0.2:  # needles
        half, long, pairs = half_widths(rng, "blade", count=7) * 0.06, long * 0.6, pairs * 4
    if rng.random() < 0.7:
        growth.stem = bark_surface(rng)
    start = [rng.normal(0, 0.1), rng.uniform(0.8, 1.5)]
    line = arc(start, UP + rng.normal(0, 0.2), start[1] + 0.8, rng.normal(0, 0.7), 49)
    growth.add(-0.5, ribbon(line, np.linspace(0.025, 0.006, 49)), growth.stem)
    _frond(growth, line, half, pairs, long, lean, 0)
    for place in rng.integers(8, 40, rng.integers(0, 7)):
        angle = heading(line, place) + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
        side = arc(line[place], angle, rng.uniform(0.3, 0.8), rng.normal(0, 0.5), 33)
        growth.add(-0.5, ribbon(side, np.linspace(0.012, 0.004, 33)), growth.stem)
        _frond(growth, side, half, max(3, pairs // 2), long * 0.8, lean, rng.normal(0, 1))
    if rng.random() < 0.35:
        number, size = int(rng.integers(4, 40)), rng.uniform(0.02, 0.06)
        roots = line[rng.integers(5, 49, number)]
        places = roots + rng.normal(0, 0.08, (number, 2))
        for stalk in np.stack([roots, (roots + places) / 2 - [0, 0.02], places], axis=1):
            growth.add(0.4, ribbon(stalk, growth.thin(0.004)), growth.stem)
        colour = tint(rng.choice([0, 10, 40, 240, 280]), 0.8, rng.uniform(0.3, 0.9))
        growth.dots(0.5, places, size * rng.uniform(0.7, 1, number), np.tile(colour, (number, 1)))
    growth.lay()


def draw_tree(painter: Painter) -> None:
    """Draw a trunk that forks and a crown of many leaves or blossoms."""
    growth = Growth(painter, turn=0.04)
    rng = growth.rng
    pot = Pot(growth, top=0.7) if rng.random() < 0.3 else None
    bark = bark_surface(rng)
    ends: list[Points] = []
    thick, fork = rng.uniform(0.02, 0.07), rng.uniform(0.25, 0.6)
    foot = [rng.normal(0, 0.05), pot.top if pot else 1.0]
    levels, shrink = int(rng.integers(3, 6)), rng.uniform(0.6, 0.8)
    trunk = rng.uniform(0.35, 0.7)

    def branch(root: Points, angle: float, length: float, width: float, level: int) -> None:
        line = arc(root, angle, length, rng.normal(0, 0.35), 13)
        growth.add(-0.5 - level * 0.1, ribbon(line, np.linspace(width, width * 0.65, 13)), bark)
        if level >= levels - 2:
            ends.append(line[4:])
        if level < levels:
            for side in np.linspace(-1, 1, rng.integers(2, 4)):
                turn = angle + side * fork * rng.uniform(0.6, 1.5) + rng.normal(0, 0.1)
                branch(line[-1], turn, length * shrink, width * 0.6, level + 1)

    branch(np.array(foot), UP + rng.normal(0, 0.1), trunk, thick, 0)
    places = np.concatenate(ends)
    number = painter.crowd(rng.uniform(200, 1300))
    half = half_widths(rng, "narrow", "oval", "spoon", count=9) * rng.uniform(0.15, 0.5)
    long, tuft = rng.uniform(0.04, 0.13), rng.uniform(0.02, 0.12)
    hang = rng.uniform(0, 0.8)
    for root in places[rng.integers(len(places), size=number)]:
        angle = rng.uniform(-math.pi, math.pi)
        size = long * rng.uniform(0.5, 1.1)
        turned, bend = half * size * rng.uniform(0.4, 1), droop(angle, hang)
        leaf = blade(root + rng.normal(0, tuft, 2), angle, size, bend, turned)
        growth.add(rng.normal(0, 1), leaf)
    if rng.random() < 0.2:
        fruit = tint(rng.choice([0, 15, 30, 50]), 0.85, rng.uniform(0.5, 0.95))
        count = int(rng.integers(5, 40))
        at = places[rng.integers(len(places), size=count)] + rng.normal(0, tuft, (count, 2))
        growth.dots(0.5, at, rng.uniform(0.02, 0.045, count), np.tile(fruit, (count, 1)))
    lay_all(growth, pot)


def draw_palm(painter: Painter) -> None:
    """Draw a trunk with fronds at its top, in a pot or cut by the lower border."""
    growth = Growth(painter, turn=0.06)
    rng = growth.rng
    pot = Pot(growth, top=0.55) if rng.random() < 0.6 else None
    crown = np.array([rng.normal(0, 0.15), rng.uniform(-0.6, 0.1)])
    bark = bark_surface(rng)
    foot = [rng.normal(0, 0.1), pot.top if pot else 1.3]
    middle = [(foot[0] + crown[0]) / 2 + rng.normal(0, 0.08), 0.3]
    trunk = curve(np.array([foot, middle, crown]))
    growth.add(-0.6, ribbon(trunk, np.linspace(1, 0.7, 32) * rng.uniform(0.02, 0.07)), bark)
    half = half_widths(rng, "blade", count=9) * rng.uniform(0.04, 0.14)
    hang, lean, pairs = rng.uniform(0.2, 0.7), rng.uniform(0.4, 1.1), int(rng.integers(14, 36))
    long = rng.uniform(0.25, 0.6)
    for _ in range(rng.integers(6, 17)):
        angle = rng.uniform(-math.pi * 1.1, math.pi * 0.1)
        bend = droop(angle, hang * rng.uniform(0.4, 1.2))
        line = arc(crown, angle, rng.uniform(0.5, 0.95), bend, 49)
        _frond(growth, line, half, pairs, long * rng.uniform(0.7, 1), lean, rng.normal(0, 1))
    lay_all(growth, pot)
