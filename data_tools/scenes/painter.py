"""Painting the textured, lit parts of an object or a background over one another."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from data_tools.scenes.canvas import SHIFT, Canvas, Points, fixed_point
from data_tools.scenes.layers import Colour, Layer, Plane, over
from data_tools.scenes.palettes import Palette
from data_tools.scenes.shapes import Pose
from data_tools.scenes.textures import coloured, draw_pattern, fractal

Light = NDArray[np.float32]  # (3,) unit vector to the light: right, down, towards the viewer


def draw_light(rng: np.random.Generator) -> Light:
    """Draw the direction of the light, mostly from above."""
    x, y = rng.normal(0, 0.6), -abs(rng.normal(0.5, 0.4))
    vector = np.array([x, y, rng.uniform(0.5, 1.0)], np.float32)
    return vector / np.float32(np.linalg.norm(vector))


class Painter:
    """A layer that grows by parts, each with pattern, palette (K, 3) and relief, in one light."""

    def __init__(
        self, rng: np.random.Generator, height: int, width: int, palette: Palette, light: Light
    ) -> None:
        self.rng, self.height, self.width = rng, height, width
        self.palette, self.light = palette, light
        self.unit = float(min(height, width))
        self.layer: Layer = np.zeros((height, width, 4), np.float32)

    def canvas(self) -> Canvas:
        """An empty canvas of the layer's size."""
        return Canvas(self.height, self.width)

    def blank(self) -> Painter:
        """A painter of the same look on an empty layer, for parts that are blurred apart."""
        return Painter(self.rng, self.height, self.width, self.palette, self.light)

    def colours(self, count: int = 3) -> Palette:
        """Some of the palette's colours, (count, 3), in any order."""
        return self.palette[self.rng.integers(len(self.palette), size=count)]

    def crowd(self, count: float) -> int:
        """Number of strands, of `count`, that are distinguishable at the layer's size."""
        return round(count * min(1, self.unit / 300))

    def pose(self, turn: float = 0.2, grounded: bool = False) -> Pose:
        """Draw a place, size and angle for an object.

        `turn` is the standard deviation of the angle in radians; a `grounded` object is cut by the
        lower border, like a portrait.
        """
        rng = self.rng
        radius = self.unit * rng.uniform(0.24, 0.46)
        x = self.width / 2 + rng.uniform(-1, 1) * max(self.width / 2 - radius * 0.9, 0)
        y = self.height / 2 + rng.uniform(-1, 1) * max(self.height / 2 - radius * 0.9, 0)
        if grounded:
            radius *= 1.25
            y = self.height - radius * rng.uniform(0.35, 0.85)
        return Pose(
            x,
            y,
            radius,
            angle=rng.normal(0, turn),
            aspect=math.exp(rng.normal(0, 0.12)),
            mirror=rng.choice([-1.0, 1.0]),
        )

    def fill(self, outline: Points) -> Plane:
        """Coverage (H, W) of one outline."""
        canvas = self.canvas()
        canvas.fill(outline)
        return canvas.coverage()

    def add(
        self,
        coverage: Plane,
        *,
        colours: Palette | None = None,
        pattern: str | None = None,
        relief: float = 0.08,
        gloss: float = 0.0,
        tone: Plane | None = None,
        form: Plane | None = None,
    ) -> None:
        """Paint a part over the layer.

        Args:
            coverage: Alpha of the part, (H, W) in [0, 1].
            colours: Its palette; by chance from the painter's by default.
            pattern: Name of its pattern; by chance by default.
            relief: Radius of its rounded rim as a fraction of the image's shorter side; 0 is flat.
            gloss: Strength of its highlight, 0 to 1.
            tone: Factor of its brightness, (H, W).
            form: Coverage for the relief, if it is not the part's own.
        """
        x, y, width, height = cv2.boundingRect((coverage > 0).astype(np.uint8))
        if width == 0:
            return
        # One pixel more, if there is one, to distinguish the rim from the image's border.
        place = np.s_[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1]
        height, width = coverage[place].shape
        if colours is None:
            colours = self.colours()
        values = draw_pattern(self.rng, height, width, self.unit, pattern)
        colour = coloured(values, colours)
        if relief > 0:
            shape = (coverage if form is None else form)[place]
            colour = self._lit(colour, shape, values, relief * self.unit, gloss)
        if tone is not None:
            colour = colour * tone[place][..., None]
        alpha = coverage[place][..., None]
        top = np.concatenate([np.clip(colour, 0, 1) * alpha, alpha], axis=-1, dtype=np.float32)
        self.layer[place] = over(top, self.layer[place])

    def _lit(
        self, colour: Colour, shape: Plane, values: Plane, radius: float, gloss: float
    ) -> Colour:
        """Shade by the slope of a rim rounded to `radius` pixels and of the pattern's bumps."""
        inside = np.pad((shape > 0.5).astype(np.uint8), 1, mode="edge")
        distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
        near = np.minimum(distance, radius)
        bumps = values * np.float32(0.008 * self.unit)
        height = np.sqrt(near * (np.float32(2 * radius) - near)) + bumps
        height = cv2.GaussianBlur(height.astype(np.float32), (0, 0), max(0.8, radius / 8))
        right = np.asarray(cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8))
        down = np.asarray(cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8))
        length = np.sqrt(right * right + down * down + 1)
        facing = (self.light[2] - right * self.light[0] - down * self.light[1]) / length
        shade = 0.35 + 0.75 * np.maximum(facing, 0)
        lit: Colour = colour * shade[..., None].astype(np.float32)
        if gloss:
            # Blinn's half vector between the light and the viewer, who looks along the third axis.
            half = self.light + np.array([0, 0, 1], np.float32)
            half = half / np.float32(np.linalg.norm(half))
            shine = np.maximum((half[2] - right * half[0] - down * half[1]) / length, 0) ** 40
            lit = lit + np.float32(gloss) * shine[..., None].astype(np.float32)
        return lit


def strand_tone(painter: Painter, lines: Points, spread: float = 0.35) -> Plane:
    """Brightness (H, W) about 1 that differs by up to `spread` between strands (N, K, 2)."""
    cloudy = fractal(painter.rng, painter.height, painter.width, painter.unit * 0.08, octaves=3)
    levels = (cloudy * 255).astype(np.uint8)
    groups = painter.rng.permutation(len(lines)) % 12
    fixed = fixed_point(lines)
    for group, level in enumerate(painter.rng.integers(0, 256, 12)):
        chosen = list(fixed[groups == group])
        cv2.polylines(levels, chosen, False, int(level), 1, cv2.LINE_AA, SHIFT)
    return np.asarray(1 + spread * (levels / 127.5 - 1), np.float32)
