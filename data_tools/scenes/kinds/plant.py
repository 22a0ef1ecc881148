"""Plants: many leaves and petals over one another, with gaps through which one looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.foliage import arc, blade, droop, profile, stem_surface
from data_tools.scenes.painter import Painter
from data_tools.scenes.plants.branches import draw_fern, draw_palm, draw_tree, draw_twig
from data_tools.scenes.plants.flowers import draw_flowers
from data_tools.scenes.plants.growth import UP, Growth, half_widths, heading, tint
from data_tools.scenes.plants.pot import Pot, lay_all, started
from data_tools.scenes.shapes import ribbon


def _bamboo(painter: Painter) -> None:
    growth, pot = started(painter, potted=0.7)
    rng = growth.rng
    base, ground = (pot.wide * 0.7, pot.top) if pot else (rng.uniform(0.4, 1.2), 1.2)
    half, wide = half_widths(rng, "narrow"), rng.uniform(0.012, 0.045)
    long, hang, thick = rng.uniform(0.18, 0.42), rng.uniform(0.05, 0.7), rng.uniform(0.004, 0.02)
    cane = growth.stem if rng.random() < 0.6 else stem_surface(tint(rng.uniform(25, 50), 0.5, 0.5))
    tall, leaves = rng.uniform(0.9, 1.5) + (0 if pot else 1.2), rng.integers(8, 40)
    for _ in range(rng.integers(2, 13)):
        foot = rng.uniform(-1, 1) * base
        angle = UP + rng.normal(0, 0.22) + (foot * 0.6 if pot else 0)
        line = arc([foot, ground], angle, tall * rng.uniform(0.5, 1), rng.normal(0, 0.3), 33)
        depth = rng.normal(0, 1)
        growth.add(depth, ribbon(line, growth.thin(thick * rng.uniform(0.5, 1))), cane)
        for place in (32, *rng.integers(8, 33, rng.integers(5, leaves))):
            for _ in range(rng.integers(1, 5)):
                away = UP + rng.normal(0, 1.1)
                length = long * rng.uniform(0.4, 1.1)
                bend = droop(away, hang * rng.uniform(0.3, 1.2))
                turned = half * growth.thin(wide * rng.uniform(0.3, 1))
                leaf = blade(line[place], away, length, bend, turned)
                growth.add(depth + rng.normal(0, 0.7), leaf)
    lay_all(growth, pot)


def _houseplant(painter: Painter) -> None:
    growth, pot = started(painter, potted=0.8)
    rng = growth.rng
    base, ground = (pot.wide * 0.3, pot.top) if pot else (rng.uniform(0.1, 0.7), 1.2)
    half = half_widths(rng, "oval", "heart", "narrow", "spoon", count=33)
    wide, long = rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.6)
    stalk, hang = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.7)
    number = int(rng.uniform(6, 16) / long**1.2)
    for _ in range(number):
        foot = [rng.normal(0, base), ground]
        angle = UP + rng.normal(0, 0.65)
        reach = stalk * rng.uniform(0.4, 1.3) + (0 if pot else 0.6)
        line = arc(foot, angle, reach, droop(angle, hang * rng.uniform(0, 0.5)))
        depth = rng.normal(0, 1)
        growth.add(depth - 0.2, ribbon(line, growth.thin(0.012)), growth.stem)
        angle = heading(line, len(line) - 1) + rng.normal(0, 0.35)
        size = long * rng.uniform(0.5, 1.1)
        bend, turned = droop(angle, hang * rng.uniform(0.2, 1.3)), wide * rng.uniform(0.35, 1)
        growth.add(depth, blade(line[-1], angle, size, bend, half * size * turned))
    lay_all(growth, pot)


def _rosette(painter: Painter) -> None:
    """Leaves from one point: agave, aloe, snake plant, lettuce."""
    growth = Growth(painter)
    rng, pot = growth.rng, Pot(growth, top=painter.rng.uniform(0.2, 0.6))
    half = half_widths(rng, "blade", "narrow", "spoon", count=33)
    spread, hang = rng.choice([0.25, 0.7, 1.1]), rng.uniform(0, 0.6)
    long, wide = rng.uniform(0.6, 1.4), rng.uniform(0.03, 0.12)
    number = rng.integers(8, 40)
    for each in range(number):
        # The inner leaves are upright and shorter, and stand before those behind them.
        out = rng.normal(0, spread)
        angle = UP + out
        root = [np.clip(out * 0.3, -0.7, 0.7) * pot.wide, pot.top]
        size = long * rng.uniform(0.5, 1.1) * (1 - 0.4 * each / number)
        bend, turned = droop(angle, hang * rng.uniform(0, 1.2)), wide * rng.uniform(0.5, 1.1)
        growth.add(each / number * 3 - 1.5, blade(root, angle, size, bend, half * turned))
    lay_all(growth, pot)


def _grass(painter: Painter) -> None:
    growth, pot = started(painter, potted=0.25)
    rng = growth.rng
    base, ground = (pot.wide * 0.7, pot.top) if pot else (rng.uniform(0.1, 1.4), 1.0)
    wide, hang = rng.uniform(0.003, 0.025), rng.uniform(0, 0.6)
    lean, fan = rng.normal(0, 0.2), rng.uniform(0.1, 0.6)
    half, tall = half_widths(rng, "blade", count=25), rng.uniform(0.9, 1.9)
    ear = [None, None, _cattail, _wheat, _panicle][rng.integers(5)]
    for _ in range(painter.crowd(rng.uniform(40, 330))):
        foot = rng.uniform(-1, 1) * base
        angle = UP + lean + rng.normal(0, fan) + 0.3 * foot
        length = tall * rng.uniform(0.35, 1)
        bend, turned = droop(angle, hang * rng.uniform(0, 1.4)), wide * rng.uniform(0.4, 1)
        leaf = blade([foot, ground + 0.1], angle, length, bend, half * growth.thin(turned))
        growth.add(rng.normal(0, 1), leaf)
    for _ in range(rng.integers(3, 25) if ear else 0):
        foot = rng.uniform(-1, 1) * base * 0.8
        angle = UP + lean + rng.normal(0, fan * 0.5)
        line = arc(
            [foot, ground + 0.1], angle, tall * rng.uniform(0.7, 1.1), rng.normal(0, 0.3), 33
        )
        depth = rng.normal(0.5, 1)
        growth.add(depth, ribbon(line, growth.thin(0.004)), growth.stem)
        if ear:
            ear(growth, line, depth + 0.1)
    lay_all(growth, pot)


def _cattail(growth: Growth, line: Points, depth: float) -> None:
    brown = stem_surface(tint(growth.rng.uniform(15, 35), 0.6, growth.rng.uniform(0.2, 0.5)))
    half = profile(0.1, 0.1, 9) * growth.rng.uniform(0.018, 0.035)
    growth.add(depth, ribbon(line[21:30], half), brown)


def _wheat(growth: Growth, line: Points, depth: float) -> None:
    rng = growth.rng
    straw = replace(growth.leaf, root=tint(rng.uniform(35, 60), 0.5, rng.uniform(0.5, 0.9)))
    for place in np.arange(22, 33):
        for side in (-1, 1):
            angle = heading(line, place) + side * 0.4
            growth.add(
                depth, blade(line[place], angle, 0.07, 0, profile(0.5, 0.8, 7) * 0.012), straw
            )
            beard = arc(line[place], angle - side * 0.1, 0.22, 0, 5)
            growth.add(depth, ribbon(beard, growth.thin(0.0015)), straw)


def _panicle(growth: Growth, line: Points, depth: float) -> None:
    """A loose plume of thin stalks."""
    rng = growth.rng
    plume = stem_surface(tint(rng.uniform(20, 60), 0.25, rng.uniform(0.5, 0.95)))
    for place in np.repeat(np.arange(18, 33), 3):
        angle = heading(line, place) + rng.normal(0, 0.5)
        hair = arc(line[place], angle, rng.uniform(0.05, 0.2), droop(angle, 0.2), 9)
        growth.add(depth, ribbon(hair, growth.thin(0.002)), plume)


def _hanging(painter: Painter) -> None:
    """Vines that hang out of a pot, over a wall or down from the border."""
    growth = Growth(painter, turn=0.05)
    rng = growth.rng
    pot = Pot(growth, top=-0.5, bottom=-0.1) if rng.random() < 0.7 else None
    half = half_widths(rng, "oval", "heart", "narrow", count=13) * rng.uniform(0.3, 0.8)
    long, gap = rng.uniform(0.06, 0.25), rng.integers(1, 4)
    for _ in range(rng.integers(4, 22)):
        x = rng.uniform(-1, 1) * (pot.wide if pot else 0.9)
        root = [x, -0.5 if pot else -1.6]
        angle = UP + rng.normal(0, 0.9) if pot else -UP + rng.normal(0, 0.2)
        bend = droop(angle, 1) * 0.97
        t = np.linspace(0, 1, 25)
        away = arc(root, angle, 0.35 * rng.uniform(0.4, 1.2), bend, 13)
        reach = rng.uniform(0.2, 1.6)
        below = away[-1] + np.stack([0.05 * np.sin(5 * t + x), t * reach], axis=-1)
        line = np.concatenate([away, below[1:]])
        depth = rng.normal(0.5, 1)
        growth.add(depth, ribbon(line, growth.thin(0.005)), growth.stem)
        for place in range(2, len(line), gap):
            out = heading(line, place) + rng.choice([-1, 1]) * rng.uniform(0.3, 1.4)
            size, turned = long * rng.uniform(0.5, 1.1), half * long * rng.uniform(0.4, 1)
            leaf = blade(line[place], out, size, droop(out, 0.4), turned)
            growth.add(depth + rng.normal(0, 0.3), leaf)
    if pot and rng.random() < 0.6:
        cord = stem_surface(tint(rng.uniform(20, 50), 0.3, rng.uniform(0.2, 0.9)))
        for x in (-pot.wide, 0, pot.wide):
            line = np.linspace([x, pot.top], [0, -1.9], 9)
            growth.add(-0.5 if x else 0.4, ribbon(line, growth.thin(0.006)), cord)
    lay_all(growth, pot)


# Flowers come in as many sorts as leaves do.
PLANTS = (
    *(_bamboo, _houseplant, _rosette, _grass, draw_fern, draw_twig, draw_tree, draw_palm, _hanging),
    *(draw_flowers, draw_flowers, draw_flowers, draw_flowers, _bamboo),
)
