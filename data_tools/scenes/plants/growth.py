"""Shared parts of plants: colours of leaves, a place in the picture, leaves laid by their depth."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import itemgetter

import cv2
import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.foliage import Foliage, Surface, profile, recoloured, spaced, stem_surface
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import Palette
from data_tools.scenes.shapes import Pose, Values

UP = -math.pi / 2  # direction of what grows upwards


class Growth:
    """Leaves, petals and stems of one plant, in its own frame, until they are laid.

    A `grounded` plant is cut by the lower border; `turn` is the standard deviation of its angle in
    radians.
    """

    def __init__(self, painter: Painter, grounded: bool = False, turn: float = 0.08) -> None:
        self.painter, self.rng = painter, painter.rng
        self.pose = _place(painter, grounded, turn)
        self.leaf = leaf_surface(painter)
        self.stem = stem_surface(self.leaf.root * np.float32(self.rng.uniform(0.5, 1)))
        self.spread = self.rng.uniform(0.05, 0.3)
        self._dark = self.rng.uniform(0.25, 0.9)
        self._shadow = self.rng.uniform(0.1, 0.65)
        self._blur = painter.unit * 0.008 * self.rng.random() if self.rng.random() < 0.25 else 0.0
        # Depth of each part, and how to draw it in a tone.
        self._grown: list[tuple[float, Callable[[Foliage, float], None]]] = []

    def add(self, depth: float, sides: Points, surface: Surface | None = None) -> None:
        """Grow a leaf (2, N, 2) of the plant's frame; the nearer to the viewer, the larger depth.

        Without a surface it is one of the plant's own leaves.
        """
        own = recoloured(self.leaf, self.rng, self.spread) if surface is None else surface
        at = self.pose.at(sides)
        self._grown.append((depth, lambda foliage, tone: foliage.leaf(at, own, tone)))

    def dots(self, depth: float, places: Points, radii: Values, colours: Palette) -> None:
        """Grow round things at places (N, 2) of the frame."""
        at, sizes = self.pose.at(places), radii * self.pose.radius
        self._grown.append(
            (depth, lambda foliage, tone: foliage.dots(at, sizes, colours * np.float32(tone)))
        )

    def thin(self, share: float) -> float:
        """Half-width in the frame of a thing of this share, not below a fifth of a pixel."""
        return max(share, 0.2 / self.pose.radius)

    def lay(self, groups: int = 4, below: float = math.inf) -> None:
        """Lay what has grown at a depth below the given one, the farthest first."""
        parts = sorted((part for part in self._grown if part[0] < below), key=itemgetter(0))
        self._grown = [part for part in self._grown if part[0] >= below]
        for group in range(groups):
            share = (group + 1) / groups
            tone = self._dark + (1 - self._dark) * share
            foliage = Foliage(self.painter)
            for _, draw in parts[group * len(parts) // groups : (group + 1) * len(parts) // groups]:
                in_shadow = 0.45 if self.rng.random() < 0.06 else 1.0
                draw(foliage, tone * in_shadow)
            foliage.lay(self._shadow, self._blur * (1 - share))


def _place(painter: Painter, grounded: bool, turn: float) -> Pose:
    """A place of which the plant takes from half of the picture to more than all of it."""
    rng, unit = painter.rng, painter.unit
    radius = unit * rng.uniform(0.38, 0.6) * (rng.uniform(1.2, 2.0) if rng.random() < 0.35 else 1)
    x = painter.width * (0.5 + rng.uniform(-1, 1) * 0.2)
    room = max(painter.height / 2 - radius, unit * 0.1)
    y = painter.height / 2 + rng.uniform(-1, 1) * room
    if radius > 0.6 * unit:  # the upper part of what does not fit
        y = painter.height / 2 + radius * rng.uniform(-0.1, 0.55)
    if grounded:
        y = painter.height - radius * rng.uniform(0.5, 0.95)
    aspect, mirror = math.exp(rng.normal(0, 0.12)), rng.choice([-1.0, 1.0])
    return Pose(x, y, radius, rng.normal(0, turn), aspect, mirror)


def tint(hue: float, saturation: float, value: float) -> Palette:
    """A colour (3,) of a hue in degrees."""
    hsv = np.array([[[hue % 360, saturation, value]]], np.float32)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0], np.float32)


def leaf_colour(painter: Painter) -> Palette:
    """A green from yellow to blue, at times of autumn, purple, grey or of the painter's palette."""
    rng = painter.rng
    chance = rng.random()
    if chance < 0.7:
        return tint(rng.normal(105, 22), rng.uniform(0.2, 0.85), rng.uniform(0.25, 0.9))
    if chance < 0.84:
        return tint(rng.uniform(-8, 55), rng.uniform(0.5, 0.95), rng.uniform(0.3, 0.9))
    if chance < 0.88:
        return tint(rng.uniform(280, 350), rng.uniform(0.2, 0.6), rng.uniform(0.12, 0.45))
    if chance < 0.93:
        return tint(rng.uniform(90, 190), rng.uniform(0.04, 0.2), rng.uniform(0.4, 0.8))
    own: Palette = painter.colours(1)[0]
    return own


def leaf_surface(painter: Painter) -> Surface:
    """Draw the surface of a plant's leaves."""
    rng = painter.rng
    base = leaf_colour(painter)
    other = (
        leaf_colour(painter) if rng.random() < 0.15 else base * np.float32(rng.uniform(0.8, 1.3))
    )
    warm: Palette = base * np.array([1.25, 1.15, 0.7], np.float32)
    pale: Palette = base * np.float32(0.35) + np.float32(0.55) * tint(rng.uniform(45, 110), 0.3, 1)
    rib = pale if rng.random() < 0.6 else base * np.float32(rng.uniform(0.4, 0.8))
    return Surface(
        root=base,
        tip=[other, warm, base][rng.integers(3)],
        rim=pale if rng.random() < 0.6 else leaf_colour(painter),
        rib=rib,
        margin=rng.uniform(0.2, 0.6) if rng.random() < 0.2 else 0.0,
        fold=rng.uniform(0.05, 0.8),
        round=rng.normal(0, 0.3),
        bend=rng.uniform(0, 0.8),
        gloss=rng.uniform(0, 0.7) * rng.integers(2),
        veins=int(rng.integers(1, 12)),
    )


def half_widths(rng: np.random.Generator, *forms: str, count: int = 17) -> Values:
    """Half-widths (count,), 1 at the widest, of one of these forms of leaf."""
    form = str(rng.choice(forms))
    t = spaced(count)
    ends = {
        "narrow": (rng.uniform(0.4, 0.8), rng.uniform(0.8, 1.4)),
        "oval": (rng.uniform(0.45, 0.7), rng.uniform(0.5, 1.0)),
        "heart": (rng.uniform(0.15, 0.3), rng.uniform(0.7, 1.1)),
        "blade": (rng.uniform(0.02, 0.15), rng.uniform(0.4, 1.0)),
        "spoon": (rng.uniform(0.9, 1.5), rng.uniform(0.3, 0.5)),
    }[form]
    width = profile(*ends, count=count)
    if form in ("oval", "heart") and rng.random() < 0.3:
        lobes = rng.integers(3, 9)
        width *= 1 - rng.uniform(0.1, 0.75) * np.abs(np.sin(lobes * np.pi * t)) ** rng.choice(
            [1, 4]
        )
    return np.asarray(width, np.float64)


def bark_surface(rng: np.random.Generator) -> Surface:
    """Draw the surface of a trunk."""
    colour = tint(rng.uniform(10, 45), rng.uniform(0.05, 0.5), rng.uniform(0.12, 0.6))
    return stem_surface(colour)


def heading(line: Points, place: int | np.signedinteger) -> float:
    """Direction in radians of a line (N, 2) at one of its points."""
    step = line[min(place + 1, len(line) - 1)] - line[max(place - 1, 0)]
    return math.atan2(step[1], step[0])
