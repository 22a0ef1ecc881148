"""Clear faceted things: each facet mirrors, bends or lets through the light by itself."""

from __future__ import annotations

import cv2
import numpy as np

from data_tools.scenes.canvas import SHIFT, Points, fixed_point
from data_tools.scenes.layers import Plane
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import Palette, draw_palette
from data_tools.scenes.shapes import Pose, blob, ellipse
from data_tools.scenes.textures import bent, fractal

_Part = tuple[Points, Points]  # outline (N, 2) and corners of the facets within (M, 2)


def draw_crystal(painter: Painter) -> None:
    """Draw a rough stone or piece of ice, a cut stone, a cluster of quartz or a cut-glass bowl.

    Alpha is low on dark facets, high on bright ones, and about 1 at glints and ridges.
    """
    rng = painter.rng
    pose = painter.pose(turn=0.4)
    tint = painter.colours(2) if rng.random() < 0.4 else draw_palette(rng, "pale", 2)
    for outline, corners in [_rough, _rough, _cut, _quartz, _bowl][rng.integers(5)](rng):
        _paint(painter, pose, outline, np.concatenate([outline, corners]), tint)


def _paint(painter: Painter, pose: Pose, outline: Points, corners: Points, tint: Palette) -> None:
    rng, edge = painter.rng, pose.at(outline)
    body, facets = painter.fill(edge), pose.at(_facets(corners))
    inner = pose.at(_facets(rng.uniform(-1.1, 1.1, (rng.integers(10, 60), 2))))
    size = painter.height, painter.width
    bend_x, bend_y = (
        fractal(rng, *size, pose.radius * rng.uniform(0.1, 0.4), octaves=3) for _ in range(2)
    )
    # What one looks at through the front is the back, bent; a rough front bends its own too.
    through = bent(_shades(painter, inner), bend_x, bend_y, pose.radius * 0.5)
    front = _shades(painter, facets)
    if rng.random() < 0.5:
        front = bent(front, bend_y, bend_x, pose.radius * rng.uniform(0.05, 0.4))
    share = np.float32(rng.uniform(0.4, 0.8))
    bright = front * share + through * (1 - share)
    bright = np.clip((bright - 0.4) * np.float32(rng.uniform(1, 2)) + 0.4, 0, 1)
    low, high = rng.uniform([0.1, 0.6], [0.4, 1.0])
    alpha = body * (low + (high - low) * bright**2).astype(np.float32)
    tone = np.float32(0.3) + np.float32(0.9) * bright
    painter.add(alpha, colours=tint, pattern="gradient", relief=0, tone=tone)
    rim, ridges = painter.canvas(), painter.canvas()
    rim.stroke([edge], max(0.5, pose.radius * rng.uniform(0.01, 0.05)), closed=True)
    ridges.stroke(facets, max(0.3, pose.radius * rng.uniform(0.003, 0.012)), closed=True)
    veins = np.clip(1 - np.abs(bend_x - 0.5) * np.float32(rng.uniform(15, 60)), 0, 1)
    lines = np.clip(rim.coverage() * (bend_y * 2 - np.float32(rng.uniform(0, 0.7))), 0, 1)
    lines = np.maximum(lines, ridges.coverage() * bend_x * np.float32(rng.uniform(0, 0.8)))
    lines = np.maximum(lines, veins * bright * np.float32(rng.uniform(0, 1)))
    lines = np.maximum(lines, np.clip(bright * 5 - 3.8, 0, 1))
    white = np.array([[0.8, 0.84, 0.88], [1, 1, 1]], np.float32)
    painter.add(lines * body, colours=white, pattern="mottled", relief=0)


def _facets(corners: Points) -> Points:
    """Triangles (T, 3, 2) between corners (M, 2) of the frame (Delaunay's)."""
    plane = cv2.Subdiv2D((-4, -4, 8, 8))
    plane.insert(corners.astype(np.float32).tolist())
    triangles = np.asarray(plane.getTriangleList(), np.float64).reshape(-1, 3, 2)
    # OpenCV puts three corners of its own far away.
    return triangles[(np.abs(triangles) < 3.9).all((1, 2))]


def _shades(painter: Painter, facets: Points) -> Plane:
    """Brightness (H, W), more often dark than bright, of its own for each facet (T, 3, 2)."""
    levels = np.full((painter.height, painter.width), 60, np.uint8)
    for facet, level in zip(
        fixed_point(facets), painter.rng.beta(0.5, 0.8, len(facets)), strict=True
    ):
        cv2.fillConvexPoly(levels, facet, round(255 * level), cv2.LINE_AA, SHIFT)
    soft = cv2.GaussianBlur(levels, (0, 0), max(0.5, painter.unit * 0.0015))
    return np.asarray(soft, np.float32) / np.float32(255)


def _rough(rng: np.random.Generator) -> list[_Part]:
    outline = blob(rng, 0, 0, 0.9, rng.uniform(0.6, 0.9), 0.12)
    kept = np.sort(rng.choice(96, rng.integers(7, 22), replace=False))
    return [(outline[kept], rng.uniform(-0.7, 0.7, (rng.integers(3, 30), 2)))]


def _cut(rng: np.random.Generator) -> list[_Part]:
    """A brilliant from above, or from the side."""
    number = int(rng.choice([6, 8, 8, 10, 12]))
    if rng.random() < 0.5:
        turn, flat = np.arange(2 * number) * np.pi / number, rng.uniform(0.5, 1)
        ring = np.stack([np.cos(turn), flat * np.sin(turn)], axis=-1)
        table = rng.uniform(0.35, 0.6)
        return [(ring, np.concatenate([ring[::2] * table, ring[1::2] * (table + 1) / 2]))]
    top, girdle, deep = rng.uniform([0.4, -0.3, 0.6], [0.7, -0.1, 1.0])
    x = np.linspace(-1, 1, number)
    row = np.stack([x, np.full(number, girdle)], axis=-1)
    crown = np.stack([x * top, np.full(number, girdle - 0.3)], axis=-1)
    half = np.stack([x[1:-1] * 0.5, np.full(number - 2, deep * 0.4)], axis=-1)
    outline = np.array([crown[0], crown[-1], row[-1], [0, deep], row[0]])
    return [(outline, np.concatenate([crown[1:-1:2], row[1:-1], half[::2]]))]


def _quartz(rng: np.random.Generator) -> list[_Part]:
    parts = []
    for _ in range(rng.integers(1, 7)):
        wide, tall, tip = rng.uniform([0.1, 0.5, 0.15], [0.3, 1.6, 0.5])
        x = wide * np.array([-1, rng.uniform(-0.6, -0.1), rng.uniform(0.2, 0.7), 1])
        shoulder, foot = np.full(4, -tall + tip) + rng.normal(0, 0.04, 4), np.zeros(4)
        upper, lower = np.stack([x, shoulder], axis=-1), np.stack([x, foot], axis=-1)
        outline = np.array(
            [lower[0], upper[0], [rng.normal(0, wide / 3), -tall], upper[3], lower[3]]
        )
        turn = rng.normal(0, 0.35)
        at = Pose(rng.normal(0, 0.2), 0.7, 1.0, turn)
        parts.append((at.at(outline), at.at(np.concatenate([upper[1:3], lower[1:3]]))))
    return parts


def _bowl(rng: np.random.Generator) -> list[_Part]:
    """A bowl, vase or tumbler of cut glass, its facets in rows that narrow to the sides."""
    rows, columns = rng.integers([3, 5], [8, 14])
    top, low, tall = rng.uniform([0.5, 0.25, 0.4], [0.9, 0.5, 0.9])
    power, turn = rng.uniform(0.5, 2.5), np.linspace(-np.pi / 2, np.pi / 2, columns)
    heights = np.linspace(-1, 1, rows)
    half = low + (top - low) * ((1 - heights) / 2) ** power
    shifts = (np.arange(rows) % 2) * np.pi / columns / 2
    x = half[:, None] * np.sin(turn + shifts[:, None])
    inner = np.stack([x, np.broadcast_to(heights[:, None] * tall, x.shape)], axis=-1).reshape(-1, 2)
    side = np.stack([half, heights * tall], axis=-1)
    wall = np.concatenate([side, side[::-1] * [-1, 1]])
    mouth = ellipse(0, -tall, top, top * rng.uniform(0.08, 0.25))
    return [(mouth, np.array([[0, -tall]])), (wall, inner)]
