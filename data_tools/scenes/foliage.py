"""Leaves, petals and stems that overlap, each with colours and shading of its own.

A leaf is a pair of sides (2, N, 2): the points of its left and of its right edge from root to tip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.scenes.canvas import SHIFT, Points, fixed_point
from data_tools.scenes.layers import Plane, disc_blur, divide_alpha, over
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import Palette
from data_tools.scenes.shapes import Values, ribbon
from data_tools.scenes.textures import fractal
from rssn.imaging.resizing import resize

_SCALE = 3  # resolution of the colours; the canvas has the edges


@dataclass(frozen=True)
class Surface:
    """Colours and form of one leaf.

    Attributes:
        root: Colour at the root, RGB (3,) in [0, 1].
        tip: Colour at the tip.
        rim: Colour at both edges.
        rib: Colour of the midrib and the veins.
        margin: Share of the half-width that the colour of the rim takes, 0 to 1.
        fold: Slope of the two halves away from the midrib, 0 is flat.
        round: Slope that grows towards the edges: 1.5 for a stem, below 0 for a bowl.
        bend: Slope along, from root to tip.
        gloss: Strength of the highlight, 0 to 1.
        veins: Number on each side; 0 leaves the midrib out as well.
    """

    root: Palette
    tip: Palette
    rim: Palette
    rib: Palette
    margin: float = 0.0
    fold: float = 0.4
    round: float = 0.0
    bend: float = 0.3
    gloss: float = 0.0
    veins: int = 1


def stem_surface(colour: Palette) -> Surface:
    """The surface of a round stem of one colour."""
    return Surface(colour, colour, colour, colour, fold=0, round=1.4, bend=0, gloss=0.1, veins=0)


def arc(root: ArrayLike, angle: float, length: float, bend: float = 0.0, count: int = 17) -> Points:
    """A line (count, 2) that starts at `angle` radians and turns by `bend` towards its tip."""
    return _path(root, angle, length, bend, np.linspace(0, 1, count))


def blade(root: ArrayLike, angle: float, length: float, bend: float, half: Values) -> Points:
    """The sides (2, N, 2) of a leaf along an arc, of half-widths (N,) as `profile` spaces them."""
    return ribbon(_path(root, angle, length, bend, spaced(len(half))), half)


def _path(root: ArrayLike, angle: float, length: float, bend: float, t: Values) -> Points:
    heading = angle + bend * ((t[1:] + t[:-1]) / 2) ** 1.3
    step = np.stack([np.cos(heading), np.sin(heading)], axis=-1) * (length * np.diff(t))[:, None]
    path = np.concatenate([np.zeros((1, 2)), np.cumsum(step, axis=0)])
    return np.asarray(path + np.asarray(root, np.float64), np.float64)


def spaced(count: int) -> Values:
    """Places (count,) from 0 to 1, closer at both ends, where leaves are round."""
    return np.asarray(0.5 - 0.5 * np.cos(np.linspace(0, np.pi, count)), np.float64)


def droop(angle: float, share: float) -> float:
    """The bend that turns a line of `angle` radians downwards by a share of the way."""
    return float(((np.pi / 2 - angle + np.pi) % (2 * np.pi) - np.pi) * share)


def profile(root: float, tip: float, count: int = 17) -> Values:
    """Half-widths (count,), 1 at the widest: the smaller an exponent, the blunter that end."""
    t = spaced(count)
    width = t**root * (1 - t) ** tip
    return np.asarray(width / width.max(), np.float64)


class Foliage:
    """Leaves drawn over one another, to be laid as one group on the painter's layer."""

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._frame = np.array([painter.width, painter.height], np.float64)
        self._canvas = painter.canvas()
        self._paint = np.zeros((painter.height * _SCALE, painter.width * _SCALE, 4), np.uint8)
        self._empty = True

    def leaf(self, sides: Points, surface: Surface, tone: float = 1.0) -> None:
        """Draw a leaf of edges (2, N, 2), pixels; `tone` is a factor of its brightness."""
        left, right = sides
        low, high = sides.min((0, 1)), sides.max((0, 1))
        if (high < 0).any() or (low > self._frame).any():
            return
        self._empty = False
        outline = np.concatenate([left, right[::-1]])
        self._canvas.fill(outline)
        size = float(np.hypot(*(high - low)))
        wide = float(np.hypot(*(right - left).T).max())
        rows = int(np.clip(size / 6, 2, 40))
        columns = 2 * int(np.clip(wide / 8, 1, 5))
        at = np.rint(np.linspace(0, left.shape[0] - 1, rows + 1)).astype(int)
        across = np.linspace(0, 1, columns + 1)[None, :, None]
        grid = left[at, None] * (1 - across) + right[at, None] * across
        colours = self._shaded(grid, surface) * tone
        self._polygon(outline, colours.reshape(-1, 3).mean(0))
        self._quads(grid, colours)
        if surface.veins and wide > 1.5:
            bright = tone * float(np.clip(colours.mean() * 2.5, 0.5, 1.1))
            self._veins(sides, surface, bright, wide)

    def dots(self, places: Points, radii: Values, colours: Palette) -> None:
        """Draw round things at places (N, 2) of given radii (N,), pixels, and colours (N, 3)."""
        turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        inside = ((places > -radii[:, None]) & (places < self._frame + radii[:, None])).all(1)
        self._empty &= not inside.any()
        light = self._painter.light[:2].astype(np.float64)
        for place, radius, colour in zip(
            places[inside], radii[inside], colours[inside], strict=True
        ):
            self._canvas.fill(place + circle * radius)
            steps = int(np.clip(radius, 2, 8))
            for share in np.arange(steps) / steps:
                outline = place + light * (radius * 0.5 * share) + circle * (radius * (1 - share))
                self._polygon(outline, colour * (0.6 + 0.6 * share))

    def lay(self, shadow: float = 0.0, blur: float = 0.0) -> None:
        """Lay the leaves on the painter's layer.

        `shadow` is the darkness of the shadow beneath, 0 to 1, `blur` the radius in pixels of the
        disc of a lens out of focus.
        """
        if self._empty:
            return
        painter = self._painter
        coverage = self._canvas.coverage()
        painted = resize(self._paint.astype(np.float32), (painter.height, painter.width))
        colour = divide_alpha(painted / np.float32(255))[0] * self._grain()
        colour = np.clip(colour, 0, 1) * coverage[..., None]
        top = np.concatenate([colour, coverage[..., None]], axis=-1, dtype=np.float32)
        if shadow > 0:
            painter.layer[..., :3] *= 1 - np.float32(shadow) * self._cast(coverage)[..., None]
        painter.layer = over(disc_blur(top, blur), painter.layer)

    def _grain(self) -> NDArray[np.float32]:
        """Blotches (H, W, 1) about 1."""
        painter = self._painter
        cell = max(2.0, painter.unit * 0.03)
        cloudy = fractal(painter.rng, painter.height, painter.width, cell, octaves=4)
        strength = painter.rng.uniform(0, 0.35)
        return np.asarray(1 + strength * (cloudy[..., None] - 0.5), np.float32)

    def _cast(self, coverage: Plane) -> Plane:
        """Shadow (H, W) of a coverage, a little away from the light."""
        painter = self._painter
        far = -painter.light[:2] * painter.unit * 0.04
        move = np.array([[1, 0, far[0]], [0, 1, far[1]]], np.float64)
        moved = cv2.warpAffine(coverage, move, (painter.width, painter.height))
        return np.asarray(cv2.GaussianBlur(moved, (0, 0), max(0.8, painter.unit * 0.012)))

    def _shaded(self, grid: Points, surface: Surface) -> Values:
        """Colours (R, C, 3) of the pieces between the points (R + 1, C + 1, 2) of a leaf."""
        rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
        t = ((np.arange(rows) + 0.5) / rows)[:, None]
        v = ((np.arange(columns) + 0.5) / columns * 2 - 1)[None]
        across = grid[:-1, -1] - grid[:-1, 0]
        along = grid[1:, columns // 2] - grid[:-1, columns // 2]
        along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        across = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        tilt_across = surface.fold * np.sign(v) + surface.round * v
        tilt_along = surface.bend * (2 * t - 1) + 0 * v
        x = across[:, :1] * tilt_across + along[:, :1] * tilt_along
        y = across[:, 1:] * tilt_across + along[:, 1:] * tilt_along
        length = np.sqrt(x * x + y * y + 1)
        light = self._painter.light.astype(np.float64)
        facing = (x * light[0] + y * light[1] + light[2]) / length
        shade = 0.4 + 0.75 * np.maximum(facing, 0)
        shade *= 1 + self._painter.rng.normal(0, 0.025, shade.shape)
        colour = surface.root + (surface.tip - surface.root) * t[..., None]
        if surface.margin:
            colour = np.where((abs(v) > 1 - surface.margin)[..., None], surface.rim, colour)
        lit: Values = np.broadcast_to(colour, (rows, columns, 3)) * shade[..., None]
        if surface.gloss:
            half = light + np.array([0, 0, 1])
            half /= np.linalg.norm(half)
            shine = np.maximum((x * half[0] + y * half[1] + half[2]) / length, 0) ** 30
            lit = lit + surface.gloss * 0.6 * shine[..., None]
        return lit

    def _quads(self, grid: Points, colours: Values) -> None:
        """Draw the pieces between the points (R + 1, C + 1, 2) of a leaf in colours (R, C, 3)."""
        fixed = fixed_point(_SCALE * grid)
        corners = np.stack([fixed[:-1, :-1], fixed[:-1, 1:], fixed[1:, 1:], fixed[1:, :-1]], axis=2)
        levels = _levels(colours.reshape(-1, 3))
        for corner, level in zip(corners.reshape(-1, 4, 2), levels, strict=True):
            cv2.fillConvexPoly(self._paint, corner, level, cv2.LINE_8, SHIFT)

    def _veins(self, sides: Points, surface: Surface, tone: float, wide: float) -> None:
        """Draw the midrib and the veins in the colour of the rib; they cover nothing."""
        middle = sides.mean(0)
        last = len(middle) - 1
        level = _levels(surface.rib[None] * tone)[0]
        rib = fixed_point(_SCALE * middle[: max(2, int(last * 0.9))])
        thick = max(1, round(_SCALE * wide * 0.03))
        cv2.polylines(self._paint, [rib], False, level, thick, cv2.LINE_8, SHIFT)
        if surface.veins < 2 or wide < 12:
            return
        pale = surface.root * 0.5 + surface.rib * 0.5
        starts = np.linspace(0.05, 0.8, surface.veins) * last
        ends = np.minimum(starts + 0.16 * last, last)
        ticks = np.arange(last + 1)
        veins = []
        for side in sides:
            edge = middle + (side - middle) * 0.85
            first = [np.interp(starts, ticks, middle[:, axis]) for axis in (0, 1)]
            end = [np.interp(ends, ticks, edge[:, axis]) for axis in (0, 1)]
            veins += list(np.stack([np.stack(first, -1), np.stack(end, -1)], axis=1))
        fixed = [fixed_point(_SCALE * line) for line in veins]
        thick = max(1, round(_SCALE * wide * 0.008))
        level = _levels(pale[None] * tone)[0]
        cv2.polylines(self._paint, fixed, False, level, thick, cv2.LINE_8, SHIFT)

    def _polygon(self, outline: Points, colour: Values) -> None:
        fixed = fixed_point(_SCALE * outline)
        cv2.fillPoly(self._paint, [fixed], _levels(colour[None])[0], cv2.LINE_8, SHIFT)


def _levels(colours: Values | Palette) -> list[tuple[float, ...]]:
    """Colours (N, 3) in [0, 1] as OpenCV takes them, opaque."""
    levels = np.rint(np.clip(colours, 0, 1) * 255)
    return [(*level, 255.0) for level in levels.tolist()]


def recoloured(surface: Surface, rng: np.random.Generator, spread: float) -> Surface:
    """The surface of another leaf of the same plant, its colours off by about `spread`."""
    gain = np.exp(rng.normal(0, spread)) * np.exp(rng.normal(0, spread * 0.4, 3))
    factor = gain.astype(np.float32)
    return replace(
        surface,
        root=surface.root * factor,
        tip=surface.tip * factor,
        rib=surface.rib * factor,
        fold=surface.fold * rng.uniform(0.3, 1.4) * rng.choice([1, 1, 1, -1]),
        bend=surface.bend * rng.normal(0.5, 1),
    )
