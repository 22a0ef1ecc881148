"""Flowers, alone, in bouquets, in vases and in beds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.foliage import Surface, arc, blade, droop, profile, recoloured
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import Palette
from data_tools.scenes.plants.growth import UP, Growth, tint
from data_tools.scenes.plants.pot import Pot
from data_tools.scenes.shapes import ribbon


class Bloom:
    """Petals, centre and form of all flowers of one sort."""

    def __init__(self, growth: Growth) -> None:
        rng = growth.rng
        self._growth = growth
        self.petal = _petal_surface(growth)
        self.heart = [
            tint(rng.uniform(35, 55), 0.85, rng.uniform(0.6, 0.95)),
            tint(rng.uniform(15, 40), 0.7, rng.uniform(0.1, 0.35)),
            tint(rng.uniform(60, 110), 0.6, rng.uniform(0.4, 0.7)),
        ][rng.integers(3)]
        # Grows a head: place (2,), radius, angle in radians at which the stem arrives, depth.
        self.head: Callable[[Points, float, float, float], None] = [
            *(self._daisy, self._daisy, self._cup, self._rose),
            *(self._spike, self._ball, self._star),
        ][rng.integers(7)]
        self._petals = int(rng.integers(5, 34))
        self._rings = int(rng.integers(1, 4))
        self._eye = rng.uniform(0.12, 0.45)
        self._ends = rng.uniform(0.5, 1.3), rng.uniform(0.25, 0.7)
        self._wide = rng.uniform(0.6, 1.5)

    def _tilted(self, place: Points, angle: float) -> Callable[[Points], Points]:
        """Map from points of a flat head to the plant's frame, turned away from the viewer."""
        rng = self._growth.rng
        flat = rng.uniform(0.35, 1)
        cos, sin = math.cos(angle), math.sin(angle)

        def tilted(points: Points) -> Points:
            x, y = points[..., 0] * flat, points[..., 1]
            return np.stack([place[0] + x * cos - y * sin, place[1] + x * sin + y * cos], axis=-1)

        return tilted

    def _ring(
        self, at: Callable[[Points], Points], number: int, reach: float, depth: float, tone: float
    ) -> None:
        rng, growth = self._growth.rng, self._growth
        half = profile(*self._ends, count=17) * reach * self._wide * math.pi / (number + 2)
        half = np.minimum(half, reach * 0.6)
        start = rng.uniform(0, 6)
        darker = replace(
            self.petal,
            root=self.petal.root * np.float32(tone),
            tip=self.petal.tip * np.float32(tone),
        )
        for turn in rng.permutation(number):
            angle = start + turn * 2 * np.pi / number + rng.normal(0, 0.3 / number)
            long, bend = reach * rng.uniform(0.85, 1.06), rng.normal(0, 0.12)
            surface = recoloured(darker, rng, 0.06)
            petal = blade([0, 0], angle, long, bend, half)
            growth.add(depth + rng.uniform(0, 0.001), at(petal), surface)

    def _daisy(self, place: Points, size: float, angle: float, depth: float) -> None:
        growth, rng = self._growth, self._growth.rng
        at = self._tilted(place, angle)
        for ring in range(self._rings):
            reach = size * (1 - 0.22 * ring)
            self._ring(at, self._petals, reach, depth + 0.002 * ring, 1 - 0.08 * ring)
        eye = size * self._eye
        number = int(np.clip(10 * eye * growth.pose.radius, 12, 220))
        away = eye * np.sqrt(rng.random(number)) * 0.95
        turn = rng.uniform(0, 2 * np.pi, number)
        spots = at(np.stack([away * np.cos(turn), away * np.sin(turn)], axis=-1))
        tones = self.heart * rng.uniform(0.55, 1.25, (number, 1)).astype(np.float32)
        growth.dots(depth + 0.007, at(np.zeros((1, 2))), np.array([eye * 0.8]), self.heart[None])
        growth.dots(depth + 0.008, spots, eye * rng.uniform(0.06, 0.16, number), tones)

    def _star(self, place: Points, size: float, angle: float, depth: float) -> None:
        """Few petals and long stamens: lily, cherry, orchid."""
        growth, rng = self._growth, self._growth.rng
        at = self._tilted(place, angle)
        self._ring(at, int(rng.integers(4, 8)), size, depth, 1)
        for _ in range(rng.integers(3, 12)):
            line = arc(
                [0, 0], rng.uniform(0, 6.3), size * rng.uniform(0.2, 0.55), rng.normal(0, 0.3)
            )
            thread = replace(self.petal, root=self.heart, tip=self.heart, veins=0)
            growth.add(depth + 0.004, at(ribbon(line, growth.thin(size * 0.012))), thread)
            growth.dots(depth + 0.005, at(line[-1:]), np.array([size * 0.04]), self.heart[None])

    def _cup(self, place: Points, size: float, angle: float, depth: float) -> None:
        """Petals that stand around the stem's end: tulip, crocus, bud."""
        growth, rng = self._growth, self._growth.rng
        open_ = rng.uniform(0.05, 0.45)
        half = profile(0.45, rng.uniform(0.4, 0.8)) * size * rng.uniform(0.35, 0.5)
        for layer, number in enumerate((3, 3)):
            for side in rng.permutation(np.linspace(-1, 1, number)):
                turn = angle + side * open_
                root = place + size * 0.1 * side * np.array([-math.sin(angle), math.cos(angle)])
                long = size * rng.uniform(1.2, 1.5)
                petal = blade(root, turn + side * 0.25, long, -side * 0.6, half)
                tone = np.float32(0.75 if layer == 0 else 1)
                surface = recoloured(self.petal, rng, 0.07)
                surface = replace(surface, root=surface.root * tone, tip=surface.tip * tone)
                growth.add(depth + 0.003 * layer, petal, surface)

    def _rose(self, place: Points, size: float, angle: float, depth: float) -> None:
        """Broad petals in rings, smaller and darker towards the centre: rose, peony, carnation."""
        at = self._tilted(place, angle)
        rings = 6
        for ring in range(rings):
            share = 1 - ring / rings
            self._ring(
                at, 4 + int(5 * share), size * share, depth + 0.001 * ring, 0.55 + 0.45 * share
            )

    def _spike(self, place: Points, size: float, angle: float, depth: float) -> None:
        """Florets along the end of the stem: lavender, lupin, hyacinth."""
        growth, rng = self._growth, self._growth.rng
        line = arc(place, angle, size * 3, rng.normal(0, 0.2), 33)
        growth.add(depth - 0.001, ribbon(line, growth.thin(0.006)), growth.stem)
        half = profile(0.6, 0.5, 9) * size * 0.16
        for _ in range(int(rng.integers(30, 90))):
            t = rng.random()
            out = angle + rng.choice([-1, 1]) * rng.uniform(0.2, 1.5)
            surface, long = recoloured(self.petal, rng, 0.15), size * (0.6 - 0.4 * t)
            petal = blade(line[int(t * 32)], out, long, droop(out, 0.2), half * (1.1 - t))
            growth.add(depth + rng.uniform(0, 0.009), petal, surface)

    def _ball(self, place: Points, size: float, angle: float, depth: float) -> None:
        """Small florets in a ball or an umbel: hydrangea, allium, elder."""
        growth, rng = self._growth, self._growth.rng
        centre = place + size * 0.6 * np.array([math.cos(angle), math.sin(angle)])
        flat = rng.uniform(0.5, 1)
        half = profile(0.7, 0.4, 7) * size * 0.07
        for each in range(int(rng.integers(15, 45))):
            turn, away = rng.uniform(0, 2 * np.pi), size * math.sqrt(rng.random())
            spot = centre + away * np.array([math.cos(turn), flat * math.sin(turn)])
            rank = depth + 0.0002 * each
            line = np.linspace(place, spot, 5)
            growth.add(depth - 0.001, ribbon(line, growth.thin(0.003)), growth.stem)
            tone = rng.uniform(0, 6)
            surface = recoloured(self.petal, rng, 0.12)
            for petal in range(5):
                out = blade(spot, tone + petal * 1.257, size * 0.2, 0, half)
                growth.add(rank, out, surface)
            growth.dots(rank + 0.0001, spot[None], np.array([size * 0.03]), self.heart[None])


def _petal_surface(growth: Growth) -> Surface:
    rng = growth.rng
    chance = rng.random()
    if chance < 0.2:
        base = tint(rng.uniform(0, 360), rng.uniform(0, 0.12), rng.uniform(0.8, 1))
    elif chance < 0.9:
        base = tint(rng.uniform(190, 425), rng.uniform(0.35, 1), rng.uniform(0.55, 1))
    else:
        base = growth.painter.colours(1)[0]
    inner: Palette = [
        base,
        base * np.float32(rng.uniform(0.5, 0.9)),
        tint(rng.uniform(30, 110), rng.uniform(0.2, 0.9), 0.9),
        tint(rng.uniform(0, 360), rng.uniform(0.2, 0.9), rng.uniform(0.3, 1)),
    ][rng.integers(4)]
    return Surface(
        root=inner,
        tip=base,
        rim=np.minimum(base * np.float32(0.5) + np.float32(0.5), 1),
        rib=base * np.float32(rng.uniform(0.6, 1.2)),
        margin=0.25 if rng.random() < 0.15 else 0.0,
        fold=rng.uniform(0, 0.35),
        round=rng.normal(0, 0.5),
        bend=rng.uniform(0, 0.7),
        veins=int(rng.integers(0, 2)),
    )


def draw_flowers(painter: Painter) -> None:
    """Draw one flower, a bouquet in a vase or cut by the border, or a bed of flowers."""
    drawn = [_single, _bouquet, _bouquet, _bed][painter.rng.integers(4)]
    drawn(painter)


def _stalk(growth: Growth, foot: Points, head: Points, depth: float, leaves: int) -> float:
    """A stem with some leaves from foot to head; gives the angle at which it arrives."""
    rng = growth.rng
    t = np.linspace(0, 1, 33)[:, None]
    bow = rng.normal(0, 0.08, 2) * 4
    line = foot + (head - foot) * t + bow * t * (1 - t)
    growth.add(depth - 0.01, ribbon(line, growth.thin(rng.uniform(0.005, 0.016))), growth.stem)
    half = profile(rng.uniform(0.3, 0.7), rng.uniform(0.6, 1.2)) * rng.uniform(0.08, 0.3)
    for place in rng.integers(4, 26, leaves):
        step = line[place + 1] - line[place]
        angle = math.atan2(step[1], step[0]) + rng.choice([-1, 1]) * rng.uniform(0.3, 1.1)
        size = rng.uniform(0.15, 0.45)
        bend, turned = droop(angle, rng.uniform(0, 0.6)), half * size * rng.uniform(0.4, 1)
        leaf = blade(line[place], angle, size, bend, turned)
        growth.add(depth + rng.normal(-0.1, 0.2), leaf)
    end = line[-1] - line[-4]
    return math.atan2(end[1], end[0])


def _single(painter: Painter) -> None:
    """One to three large heads."""
    growth = Growth(painter, turn=0.35)
    rng = growth.rng
    bloom = Bloom(growth)
    for _ in range(rng.integers(1, 4)):
        head = np.array([rng.normal(0, 0.25), rng.uniform(-0.4, 0.1)])
        foot = np.array([rng.normal(0, 0.2), rng.uniform(0.9, 2.2)])
        depth = rng.normal(0, 1)
        angle = _stalk(growth, foot, head, depth, int(rng.integers(0, 7)))
        bloom.head(head, rng.uniform(0.35, 0.8), angle, depth)
    growth.lay(groups=3)


def _bouquet(painter: Painter) -> None:
    potted = painter.rng.random() < 0.5
    growth = Growth(painter, grounded=not potted)
    rng = growth.rng
    tall = rng.uniform(0.2, 0.6)
    pot = Pot(growth, top=tall, wide=rng.uniform(0.12, 0.35)) if potted else None
    blooms = [Bloom(growth) for _ in range(rng.integers(1, 4))]
    foot = np.array([0.0, tall + 0.05 if pot else rng.uniform(0.6, 1.6)])
    size, number = rng.uniform(0.1, 0.32), rng.integers(5, 26)
    high = rng.uniform(0.6, 1)
    for _ in range(number):
        turn, away = rng.uniform(0, 2 * np.pi), math.sqrt(rng.random())
        wide = rng.uniform(0.55, 0.75)
        head = np.array([wide * away * math.cos(turn), -0.35 + high * 0.5 * away * math.sin(turn)])
        depth = rng.normal(0.3, 0.7) + head[1]
        root = foot + np.array([rng.normal(0, 0.08), 0])
        angle = _stalk(growth, root, head, depth, int(rng.integers(0, 4)))
        blooms[rng.integers(len(blooms))].head(head, size * rng.uniform(0.5, 1.1), angle, depth)
    if pot:
        pot.paint_inside()
        growth.lay(groups=2, below=0.2)
        pot.paint_outside()
    growth.lay()


def _bed(painter: Painter) -> None:
    """Flowers that grow side by side, cut by the lower border."""
    growth = Growth(painter, grounded=True)
    rng = growth.rng
    blooms = [Bloom(growth) for _ in range(rng.integers(1, 3))]
    size, wide = rng.uniform(0.06, 0.25), rng.uniform(0.4, 1.3)
    for _ in range(rng.integers(4, 30)):
        x = rng.uniform(-1, 1) * wide
        head = np.array([x + rng.normal(0, 0.1), rng.uniform(-0.9, 0.3)])
        depth = rng.normal(0, 0.5) + head[1]
        foot = np.array([x, 1.3])
        angle = _stalk(growth, foot, head, depth, int(rng.integers(1, 8)))
        blooms[rng.integers(len(blooms))].head(head, size * rng.uniform(0.5, 1.1), angle, depth)
    half = profile(0.1, 0.7, 25)
    for _ in range(painter.crowd(rng.uniform(0, 80))):
        angle = UP + rng.normal(0, 0.3)
        root = [rng.uniform(-1, 1) * wide, 1.3]
        long, bend = rng.uniform(0.4, 1.4), droop(angle, rng.uniform(0, 0.4))
        growth.add(rng.normal(-0.3, 0.6), blade(root, angle, long, bend, half * growth.thin(0.012)))
    growth.lay()
