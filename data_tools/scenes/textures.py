"""Surface patterns, one library for objects and backgrounds, so that texture gives neither away.

A pattern is a plane (H, W) in [0, 1] that a palette turns into colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from data_tools.scenes.layers import Colour, Plane
from data_tools.scenes.palettes import Palette
from rssn.imaging.resizing import resize

Pattern = Callable[[np.random.Generator, int, int, float], Plane]


def noise(rng: np.random.Generator, height: int, width: int, cell: float, wide: float = 1) -> Plane:
    """Smooth random values (H, W), about uniform, bumps `cell` px high, `wide` times as wide."""
    rows = max(2, math.ceil(height / cell) + 1)
    columns = max(2, math.ceil(width / (cell * wide)) + 1)
    grid = rng.random((rows, columns), np.float32)
    return resize(grid, (height, width), "cubic", "cubic")


def fractal(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: float,
    wide: float = 1,
    octaves: int = 5,
) -> Plane:
    """Sum of noise at halved sizes, (H, W), mean 0.5, standard deviation 0.2, in [0, 1]."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        size = cell / 2**octave
        if octave and size < 1.5:
            break
        total += noise(rng, height, width, max(size, 1.5), wide) / np.float32(1.8**octave)
    total -= np.float32(total.mean())
    total *= np.float32(0.2 / max(float(total.std()), 1e-3))
    return np.asarray(np.clip(total + np.float32(0.5), 0, 1), np.float32)


def bent(plane: Plane, x: Plane, y: Plane, far: float) -> Plane:
    """Move the values of a plane (H, W) by up to about a fifth of `far` pixels, by noise."""
    height, width = plane.shape
    down, right = np.mgrid[:height, :width].astype(np.float32)
    half, reach = np.float32(0.5), np.float32(far)
    moved = cv2.remap(
        plane, right + reach * (x - half), down + reach * (y - half), cv2.INTER_LINEAR
    )
    return np.asarray(moved, np.float32)


def waves(
    rng: np.random.Generator, height: int, width: int, period: float, angle: float, warp: float
) -> Plane:
    """Parallel waves (H, W) in [0, 1]: `period` in pixels, bent by `warp` periods."""
    y, x = np.ogrid[:height, :width]
    phase = (x * math.cos(angle) + y * math.sin(angle)).astype(np.float32) / np.float32(period)
    if warp:
        phase += fractal(rng, height, width, 4 * period, octaves=2) * np.float32(4 * warp)
    turn: Plane = 0.5 + 0.5 * np.sin(phase * np.float32(2 * np.pi) + rng.uniform(0, 6))
    return turn.astype(np.float32)


def _step(plane: Plane, edge: float, soft: float) -> Plane:
    t = np.clip((plane - np.float32(edge - soft)) / np.float32(2 * soft), 0, 1)
    smooth: Plane = t * t * (3 - 2 * t)
    return smooth


def _mixed(rng: np.random.Generator, pattern: Plane, unit: float, share: float) -> Plane:
    """A pattern with a share of noise laid in, as no real surface is clean."""
    height, width = pattern.shape
    dirt = fractal(rng, height, width, unit * rng.uniform(0.03, 0.3))
    mixed: Plane = pattern * np.float32(1 - share) + dirt * np.float32(share)
    return mixed


def _plain(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    base = fractal(rng, height, width, unit * rng.uniform(0.3, 0.8), octaves=2)
    fine = fractal(rng, height, width, max(2.0, unit * 0.01), octaves=2)
    plane: Plane = 0.3 + 0.3 * base + 0.1 * fine
    return plane


def _mottled(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    return fractal(rng, height, width, unit * rng.uniform(0.04, 0.3), octaves=6)


def _stripes(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    period, angle = unit * rng.uniform(0.03, 0.14), rng.uniform(0, math.pi)
    wave = waves(rng, height, width, period, angle, rng.choice([0.0, 0.3, 1.0]))
    return _mixed(rng, _step(wave, rng.uniform(0.35, 0.65), rng.uniform(0.1, 0.5)), unit, 0.3)


def _spots(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    field = noise(rng, height, width, unit * rng.uniform(0.02, 0.1))
    return _mixed(rng, _step(field, rng.uniform(0.55, 0.7), 0.06), unit, 0.35)


def _weave(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    period, angle = max(2.5, unit * rng.uniform(0.008, 0.02)), rng.uniform(0, math.pi)
    warp = waves(rng, height, width, period, angle, 0.1)
    weft = waves(rng, height, width, period, angle + math.pi / 2, 0.1)
    return _mixed(rng, np.maximum(warp, weft), unit, 0.6)


def _checks(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    period, angle = unit * rng.uniform(0.06, 0.2), rng.uniform(0, math.pi)
    one = _step(waves(rng, height, width, period, angle, 0.1), 0.5, 0.08)
    two = _step(waves(rng, height, width, period, angle + math.pi / 2, 0.1), 0.5, 0.08)
    return _mixed(rng, (one + two) * np.float32(0.5), unit, 0.3)


def _grain(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    wide = rng.choice([0.08, 12.0])
    cell = unit * rng.uniform(0.1, 0.2) / (wide if wide > 1 else 1)
    return fractal(rng, height, width, max(2.0, cell), wide)


def _gradient(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    angle = rng.uniform(0, 2 * math.pi)
    y, x = np.ogrid[:height, :width]
    ramp = x * math.cos(angle) + y * math.sin(angle)
    ramp = (ramp - ramp.min()) / max(float(np.ptp(ramp)), 1.0)
    return _mixed(rng, np.asarray(ramp, np.float32), unit, 0.25)


def _speckle(rng: np.random.Generator, height: int, width: int, unit: float) -> Plane:
    fine = noise(rng, height, width, max(1.5, unit * 0.006))
    return _mixed(rng, _step(fine, 0.5, 0.4), unit, 0.5)


PATTERNS: dict[str, Pattern] = {
    "plain": _plain,
    "mottled": _mottled,
    "stripes": _stripes,
    "spots": _spots,
    "weave": _weave,
    "checks": _checks,
    "grain": _grain,
    "gradient": _gradient,
    "speckle": _speckle,
}


def draw_pattern(
    rng: np.random.Generator, height: int, width: int, unit: float, name: str | None = None
) -> Plane:
    """Draw one of the patterns (H, W), by chance without a name; `unit` pixels is its scale."""
    chosen = name or str(rng.choice(list(PATTERNS)))
    return np.clip(PATTERNS[chosen](rng, height, width, unit), 0, 1)


def coloured(pattern: Plane, palette: Palette) -> Colour:
    """Lay a palette's colours, first to last, along the values 0 to 1 of a pattern."""
    at = np.linspace(0, 1, 1024)
    stops = np.linspace(0, 1, len(palette))
    table = np.stack([np.interp(at, stops, channel) for channel in palette.T], axis=-1)
    return table.astype(np.float32)[(pattern * 1023).astype(np.int32)]
