"""Backgrounds: places and surfaces, with things smaller or less sharp than the main object."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from data_tools.scenes.canvas import Points
from data_tools.scenes.kinds import DEFAULT_KINDS
from data_tools.scenes.layers import Colour, Plane, disc_blur, over
from data_tools.scenes.objects import LEAST_SIDE, draw_layer
from data_tools.scenes.painter import Light, Painter, draw_light
from data_tools.scenes.palettes import Family, draw_palette
from data_tools.scenes.shapes import blob, box, curve, tube
from data_tools.scenes.textures import fractal, noise
from rssn.imaging.errors import check_least
from rssn.imaging.resizing import resize

_LAND: tuple[Family, ...] = ("leaf", "earth", "stone", "sky")  # the last, for hills far away


def draw_background(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Draw a picture (H, W, 3) uint8 without a main object.

    Raises:
        InputError: A size below 16.
    """
    return np.rint(draw_place(rng, height, width, draw_light(rng)) * 255).astype(np.uint8)


def draw_place(rng: np.random.Generator, height: int, width: int, light: Light) -> Colour:
    """Draw a background (H, W, 3) in [0, 1], sharp or out of focus, under a given light."""
    check_least(LEAST_SIDE, height=height, width=width)
    unit = min(height, width)
    radius = unit * rng.uniform(0.004, 0.03) if rng.random() < 0.55 else 0.0
    # A blur of more than two pixels hides that the picture is drawn at half the size.
    part = 2 if radius > 2 and unit >= 64 else 1
    painter = Painter(rng, -(-height // part), -(-width // part), draw_palette(rng), light)
    PLACES[rng.integers(len(PLACES))](painter)
    if rng.random() < 0.75:
        _distract(painter)
    colour = disc_blur(painter.layer[..., :3], radius / part)
    return np.clip(resize(colour, (height, width)) if part > 1 else colour, 0, 1)


def _distract(painter: Painter) -> None:
    """Put in one to four objects, each small or out of focus, many cut by the border."""
    rng, unit = painter.rng, painter.unit
    for _ in range(rng.integers(1, 5)):
        size = max(16, int(unit * rng.uniform(0.2, 0.45)))
        kind = DEFAULT_KINDS[rng.integers(len(DEFAULT_KINDS))]
        small = draw_layer(rng, size, size, kind, draw_palette(rng), painter.light)
        if size > 0.3 * unit or rng.random() < 0.5:
            edge = int(unit * 0.03)
            small = np.pad(small, ((edge, edge), (edge, edge), (0, 0)))
            small = disc_blur(small, unit * rng.uniform(0.003, 0.02))
        off = rng.uniform(-0.5, 0.5) * size
        x = int(off + rng.choice([0, rng.random(), 1]) * (painter.width - size / 2))
        y = int(rng.uniform(-0.3, 0.3) * size + rng.random() * (painter.height - size / 2))
        top, left, (high, wide) = max(y, 0), max(x, 0), small.shape[:2]
        bottom, right = min(y + high, painter.height), min(x + wide, painter.width)
        if bottom > top and right > left:
            part = small[top - y : bottom - y, left - x : right - x]
            beneath = painter.layer[top:bottom, left:right]
            beneath[:] = over(part, beneath)


def _everywhere(painter: Painter) -> Plane:
    return np.ones((painter.height, painter.width), np.float32)


def _edge(painter: Painter, level: float, swing: float, cell: float) -> Points:
    """Outline of the part below a wavering line at `level` of the height."""
    x = np.linspace(-0.02, 1.02, 200)
    line = fractal(painter.rng, 1, 200, 200 * cell)[0] - 0.5
    y = level + swing * line
    points = np.concatenate([np.stack([x, y], axis=-1), [[1.02, 1.1], [-0.02, 1.1]]])
    return np.asarray(points * [painter.width, painter.height], np.float64)


def _landscape(painter: Painter) -> None:
    rng = painter.rng
    sky = draw_palette(rng, "sky" if rng.random() < 0.7 else None)
    ramp = np.linspace(1, 0.4, painter.height, dtype=np.float32)[:, None]
    clouds = np.clip(
        fractal(rng, painter.height, painter.width, painter.unit * 0.3, 2.5) * 2 - 0.7, 0, 1
    )
    tone = 0.75 + 0.35 * (1 - ramp) + np.zeros((painter.height, painter.width), np.float32)
    painter.add(_everywhere(painter), colours=sky, pattern="plain", relief=0, tone=tone)
    pale = draw_palette(rng, "pale")
    painter.add(clouds * np.float32(rng.uniform(0, 0.9)), colours=pale, relief=0)
    horizon = rng.uniform(0.25, 0.7)
    for step in range(rng.integers(1, 4)):
        level = horizon - 0.12 + 0.08 * step
        family = _LAND[rng.integers(len(_LAND))]
        hill = painter.fill(_edge(painter, level, rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.5)))
        painter.add(hill, colours=draw_palette(rng, family), pattern="mottled", relief=0.02)
    ground = painter.fill(_edge(painter, horizon + 0.1, 0.04, 0.3))
    family = _LAND[rng.integers(len(_LAND) - 1)]
    painter.add(ground, colours=draw_palette(rng, family), pattern="grain", relief=0.01)
    for _ in range(rng.integers(0, 6)):
        _tree(painter, rng.uniform(0, 1), horizon + rng.uniform(0.05, 0.25))


def _tree(painter: Painter, across: float, down: float) -> None:
    rng, unit = painter.rng, painter.unit
    x, y = across * painter.width, down * painter.height
    tall = unit * rng.uniform(0.12, 0.4)
    line = curve([[x, y], [x + rng.normal(0, 0.05) * tall, y - tall]])
    trunk = painter.fill(tube(line, tall * 0.05, tall * 0.03))
    painter.add(trunk, colours=draw_palette(rng, "earth"), pattern="grain", relief=0.01)
    crown = painter.canvas()
    for _ in range(rng.integers(3, 9)):
        dx, dy = rng.normal(0, 0.22, 2) * tall
        wide, high = tall * rng.uniform(0.15, 0.35, 2)
        crown.fill(blob(rng, x + dx, y - tall + dy, wide, high, 0.15))
    painter.add(crown.coverage(), colours=draw_palette(rng, "leaf"), pattern="speckle", relief=0.03)


def _interior(painter: Painter) -> None:
    rng, height, width = painter.rng, painter.height, painter.width
    corner = rng.uniform(-0.3, 1.3) * width
    x = np.arange(width, dtype=np.float32)[None]
    tone = np.where(x < corner, rng.uniform(0.7, 1.1), rng.uniform(0.7, 1.1)).astype(np.float32)
    tone = np.broadcast_to(tone, (height, width))
    painter.add(_everywhere(painter), pattern="plain" if rng.random() < 0.6 else None, tone=tone)
    floor = rng.uniform(0.6, 0.95) * height
    painter.add(painter.fill(box(0, floor, width, height)), relief=0.0)
    skirting = painter.fill(box(0, floor - 0.02 * height, width, floor))
    painter.add(skirting, pattern="plain", relief=0.01)
    for _ in range(rng.integers(0, 4)):
        _frame(painter, floor)
    for _ in range(rng.integers(0, 5)):
        left, wide = rng.uniform(-0.1, 1) * width, rng.uniform(0.08, 0.4) * width
        top = floor - rng.uniform(0.05, 0.5) * height
        low = floor + rng.uniform(0, 0.15) * height
        _cupboard(painter, left, top, left + wide, low)


def _frame(painter: Painter, floor: float) -> None:
    """A window or a picture on the wall."""
    rng = painter.rng
    x, y = rng.uniform(0, 0.9) * painter.width, rng.uniform(-0.1, 0.4) * floor
    wide, high = rng.uniform(0.1, 0.4, 2) * painter.unit
    rim = painter.unit * rng.uniform(0.01, 0.03)
    painter.add(painter.fill(box(x - rim, y - rim, x + wide + rim, y + high + rim)), relief=0.01)
    bright = draw_palette(rng, "pale" if rng.random() < 0.5 else None)
    painter.add(painter.fill(box(x, y, x + wide, y + high)), colours=bright, relief=0)
    if rng.random() < 0.5:
        bars = painter.canvas()
        bars.fill(box(x + wide / 2 - rim / 3, y, x + wide / 2 + rim / 3, y + high))
        bars.fill(box(x, y + high / 2 - rim / 3, x + wide, y + high / 2 + rim / 3))
        painter.add(bars.coverage(), relief=0)


def _cupboard(painter: Painter, x0: float, y0: float, x1: float, y1: float) -> None:
    rng = painter.rng
    colours = painter.colours()
    painter.add(painter.fill(box(x0, y0, x1, y1)), colours=colours, relief=0.01)
    parts, gap = rng.integers(1, 5), 0.012 * painter.unit
    for i in range(parts):
        low, high = (y0 + (y1 - y0) * (i + j) / parts for j in (0, 1))
        if rng.random() < 0.7:
            inner = painter.fill(box(x0 + gap, low + gap, x1 - gap, high - gap))
            painter.add(inner, colours=colours * np.float32(rng.uniform(0.4, 1.1)), relief=0.01)


def _foliage(painter: Painter) -> None:
    rng = painter.rng
    family: Family | None = "leaf" if rng.random() < 0.7 else None
    painter.add(_everywhere(painter), colours=draw_palette(rng, family) * np.float32(0.4), relief=0)
    depth = rng.integers(3, 6)
    slim = rng.uniform(0.15, 0.45)
    for step in range(depth):
        canvas = painter.canvas()
        for _ in range(rng.integers(20, 70)):
            x, y = rng.random(2) * [painter.width, painter.height]
            long, turn = painter.unit * rng.uniform(0.08, 0.3), rng.uniform(0, 2 * math.pi)
            along = np.array([math.cos(turn), math.sin(turn)]) * long
            side = np.array([-along[1], along[0]]) * slim
            root = np.array([x, y])
            spine = curve([root, root + along / 2 + side * rng.normal(0, 0.5), root + along], 12)
            half = np.sin(np.linspace(0, np.pi, 12))[:, None] * side / 2
            canvas.fill(np.concatenate([spine + half, (spine - half)[::-1]]))
        tone = noise(rng, painter.height, painter.width, painter.unit * 0.06) * 0.7 + 0.65
        tone *= np.float32(0.5 + 0.6 * (step + 1) / depth)
        painter.add(canvas.coverage(), colours=draw_palette(rng, family), relief=0.015, tone=tone)


def _bokeh(painter: Painter) -> None:
    rng = painter.rng
    dim = np.float32(rng.uniform(0.25, 0.8))
    painter.add(_everywhere(painter), colours=painter.colours() * dim, pattern="mottled", relief=0)
    painter.layer = disc_blur(painter.layer, painter.unit * 0.03)
    size = painter.unit * rng.uniform(0.015, 0.06)
    for _ in range(rng.integers(2, 6)):
        canvas = painter.canvas()
        for _ in range(rng.integers(3, 20)):
            x, y = rng.random(2) * [painter.width, painter.height]
            radius = size * rng.uniform(0.6, 1.3)
            canvas.fill(blob(rng, x, y, radius, radius, 0.01))
        lamp = draw_palette(rng, None, 2) * np.float32(0.4) + np.float32(0.6)
        share = np.float32(rng.uniform(0.15, 0.7))
        painter.add(canvas.coverage() * share, colours=lamp, pattern="plain", relief=0)


def _wall(painter: Painter) -> None:
    rng, height, width = painter.rng, painter.height, painter.width
    painter.add(_everywhere(painter), colours=painter.colours(4), relief=0.02)
    if rng.random() < 0.6:
        canvas = painter.canvas()
        high = painter.unit * rng.uniform(0.05, 0.25)
        wide, gap, bond = high * rng.uniform(1, 3), max(1.0, high * 0.06), rng.choice([0, 0.5])
        y, x = np.mgrid[-high * rng.random() : height : high, -wide : width + wide : wide]
        x[1::2] += wide * bond
        corners = box(gap, gap, wide - gap, high - gap)
        canvas.fill(np.stack([x, y], axis=-1).reshape(-1, 1, 2) + corners)
        tone = noise(rng, height, width, high) * np.float32(0.5) + np.float32(0.7)
        painter.add(canvas.coverage(), relief=0.008, tone=tone)
    if rng.random() < 0.5:
        floor = rng.uniform(0.65, 0.9)
        painter.add(painter.fill(_edge(painter, floor, 0.01, 0.4)), relief=0.0)


PLACES = (_landscape, _interior, _foliage, _bokeh, _wall)
