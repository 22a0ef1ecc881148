"""Pots, vases and baskets of plants."""

from __future__ import annotations

from functools import partial

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.layers import Plane
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import Palette, draw_palette
from data_tools.scenes.plants.growth import Growth, tint
from data_tools.scenes.shapes import curve, ellipse

_GLAZES = (*("plain", "mottled", "speckle") * 2, "stripes", "checks", "spots")
_EARTH = np.array([[0.1, 0.07, 0.05], [0.24, 0.17, 0.12]], np.float32)


class Pot:
    """A pot with its mouth at (0, top) of a plant's frame and its foot at `bottom`.

    Paint the inside, then the outside. `wide` is the half-width of the mouth, by chance without.
    """

    def __init__(
        self, growth: Growth, top: float = 0.45, bottom: float = 1.0, wide: float | None = None
    ) -> None:
        self._growth = growth
        rng = growth.rng
        self.top = top
        self.wide = rng.uniform(0.2, 0.42) if wide is None else wide
        self._bottom = bottom
        self._flat = rng.uniform(0.1, 0.3)
        self._lip = rng.uniform(1.02, 1.12) if rng.random() < 0.6 else 1.0
        self._saucer = rng.uniform(1.1, 1.5) if rng.random() < 0.25 else 0.0
        belly = rng.uniform(0.75, 1.3) if rng.random() < 0.5 else 1.0
        foot = rng.uniform(0.55, 1.05)
        tall = bottom - top
        middle = [self.wide * (1 + foot) / 2 * belly, top + tall * 0.45]
        self._profile = curve([[self.wide, top], middle, [self.wide * foot, bottom]], 24)
        self._basket = rng.random() < 0.2
        self._colours = self._palette()

    def _palette(self) -> Palette:
        rng = self._growth.rng
        chance = rng.random()
        if self._basket:
            tones = [tint(rng.uniform(25, 45), 0.5, value) for value in (0.25, 0.55, 0.75)]
        elif chance < 0.35:
            tones = [tint(rng.uniform(10, 24), rng.uniform(0.5, 0.7), v) for v in (0.55, 0.75)]
        elif chance < 0.55:
            tones = [np.full(3, value, np.float32) for value in (0.8, 0.95)]
        else:
            return draw_palette(rng, "vivid" if rng.random() < 0.6 else None, 3)
        return np.stack(tones)

    def paint_inside(self) -> None:
        """Paint the far wall and the earth."""
        growth = self._growth
        painter, pose = growth.painter, growth.pose
        lip = self.wide * self._lip
        mouth = ellipse(0, self.top, lip, lip * self._flat)
        dark = self._colours * np.float32(0.55)
        painter.add(painter.fill(pose.at(mouth)), colours=dark, relief=0.01)
        depth = self.wide * self._flat
        earth = ellipse(0, self.top + depth * 0.25, self.wide * 0.93, depth * 0.75)
        painter.add(painter.fill(pose.at(earth)), colours=_EARTH, pattern="speckle", relief=0)

    def paint_outside(self) -> None:
        """Paint the near wall and the rim."""
        growth, rng = self._growth, self._growth.rng
        painter, pose = growth.painter, growth.pose
        add = partial(
            painter.add,
            colours=self._colours,
            pattern="weave" if self._basket else str(rng.choice(_GLAZES)),
            gloss=rng.uniform(0, 0.9) * rng.integers(2),
            tone=self._turned(),
        )
        saucer, level = self._profile[-1, 0] * self._saucer, self._bottom - 0.05
        if saucer:
            plate = ellipse(0, level, saucer, saucer * self._flat)
            add(painter.fill(pose.at(plate)), relief=0.01)
        add(painter.fill(pose.at(self._wall(self._profile))), relief=0.05)
        if self._lip > 1:
            lip, high = self.wide * self._lip, rng.uniform(0.04, 0.14)
            band = curve([[lip, self.top], [lip, self.top + high]], 4)
            add(painter.fill(pose.at(self._wall(band))), relief=0.015)
        if saucer:
            edge = curve([[saucer, level], [saucer * 0.9, level + 0.09]], 4)
            add(painter.fill(pose.at(self._wall(edge))), relief=0.015)

    def _wall(self, profile: Points) -> Points:
        """The outline of what a profile (N, 2) makes turned about its axis, open above."""
        t = np.linspace(0, np.pi, 24)
        rings = []
        for x, y in (profile[-1], profile[0]):
            ring = np.stack([x * np.cos(t), y + x * self._flat * np.sin(t)], axis=-1)
            rings.append(ring)
        left = profile[::-1] * [-1, 1]
        return np.concatenate([profile, rings[0], left, rings[1][::-1]])

    def _turned(self) -> Plane:
        """Brightness (H, W) of a cylinder's side."""
        painter, pose = self._growth.painter, self._growth.pose
        y, x = np.ogrid[: painter.height, : painter.width]
        across = (x - pose.x) * np.cos(pose.angle) + (y - pose.y) * np.sin(pose.angle)
        slope = np.clip(across / (pose.radius * np.sqrt(pose.aspect) * self.wide * 1.15), -1, 1)
        side = slope * painter.light[0] + np.sqrt(1 - slope * slope) * painter.light[2]
        return np.asarray(0.5 + 0.7 * np.maximum(side, 0), np.float32)


def started(painter: Painter, potted: float, top: float = 0.45) -> tuple[Growth, Pot | None]:
    """Begin a plant: in a pot with probability `potted`, otherwise mostly in the ground."""
    in_pot = painter.rng.random() < potted
    growth = Growth(painter, grounded=not in_pot and painter.rng.random() < 0.8)
    return growth, Pot(growth, top=top) if in_pot else None


def lay_all(growth: Growth, pot: Pot | None) -> None:
    """Lay a plant; in a pot, a part of it before the pot's rim."""
    if pot is None:
        growth.lay(groups=5)
        return
    pot.paint_inside()
    growth.lay(groups=2, below=-0.4)
    if growth.rng.random() < 0.5:
        pot.paint_outside()
        growth.lay()
    else:
        growth.lay(groups=3, below=1.2)
        pot.paint_outside()
        growth.lay(groups=1)
