"""Animals whose whole outline is fur: thousands of tapered strands under a pixel wide."""

from __future__ import annotations

import math

import cv2
import numpy as np

from data_tools.scenes.canvas import Canvas, Points
from data_tools.scenes.layers import Plane
from data_tools.scenes.painter import Painter, strand_tone
from data_tools.scenes.shapes import Pose, blob, curve, ellipse, strands, tube

_COATS = ("plain", "mottled", "stripes", "spots", "gradient", "speckle")
_DARK = np.array([[0.03, 0.02, 0.02], [0.12, 0.08, 0.06]], np.float32)


def draw_fur(painter: Painter) -> None:
    """Draw an animal: standing, sitting or curled up, its coat short or long."""
    rng = painter.rng
    body = [_standing, _sitting, _curled][rng.integers(3)]
    pose = painter.pose(turn=0.12, grounded=body is _sitting and rng.random() < 0.4)
    canvas = painter.canvas()
    face = body(rng, canvas, pose)
    skin = canvas.coverage()
    length = pose.radius * 0.05 * 5 ** rng.random()
    roots = _coat_roots(rng, skin, length * 0.5, count=painter.crowd(rng.uniform(3000, 7000)))
    coat = _coat(rng, skin, roots, length)
    canvas.strands(coat, width=max(0.3, painter.unit * rng.uniform(0.0008, 0.002)))
    everywhere = _coat_roots(rng, skin, math.inf, count=painter.crowd(3000))
    inner = _coat(rng, skin, everywhere, length * 0.7)
    tone = strand_tone(painter, np.concatenate([inner, coat]), rng.uniform(0.15, 0.4))
    pattern = _COATS[rng.integers(len(_COATS))]
    relief = rng.uniform(0.06, 0.14)
    painter.add(canvas.coverage(), pattern=pattern, tone=tone, form=skin, relief=relief)
    _features(painter, pose, face)


def _standing(rng: np.random.Generator, canvas: Canvas, pose: Pose) -> Points:
    long, tall = rng.uniform(0.55, 0.75), rng.uniform(0.24, 0.36)
    canvas.fill(pose.at(blob(rng, -0.1, 0, long, tall, 0.06)))
    x, y, size = long * 0.85, -rng.uniform(0.35, 0.55), rng.uniform(0.2, 0.28)
    neck = [[0.3, 0.0], [0.45, -0.2], [x, y]]
    canvas.fill(pose.at(tube(curve(neck), tall * 0.8, size * 0.8)))
    legs = rng.uniform(0.35, 0.6)
    for hip in (-long * 0.85, -long * 0.6, long * 0.25, long * 0.5):
        knee, foot = hip + rng.normal(0, [0.05, 0.08])
        leg = [[hip, 0.05], [knee, legs * 0.6], [foot, tall + legs * 0.7]]
        canvas.fill(pose.at(tube(curve(leg), 0.13, rng.uniform(0.05, 0.08))))
    sway = rng.normal(0, 0.25, 2)
    tail = [[-long, -0.1], [-long - 0.25, -0.2 + sway[0]], [-long - 0.4, -0.35 + sway[1]]]
    canvas.fill(pose.at(tube(curve(tail), rng.uniform(0.05, 0.11), 0.03)))
    canvas.fill(pose.at(ellipse(x, y, size, size * 0.9)))
    canvas.fill(pose.at(ellipse(x + size * 0.8, y + size * 0.3, size * 0.6, size * 0.4, 0.2)))
    _ears(rng, canvas, pose, x, y, size)
    return np.array([[x + size * 0.3, y - size * 0.2], [x + size * 1.25, y + size * 0.2]])


def _sitting(rng: np.random.Generator, canvas: Canvas, pose: Pose) -> Points:
    wide = rng.uniform(0.4, 0.6)
    canvas.fill(pose.at(blob(rng, 0, 0.35, wide, 0.6, 0.05)))
    x, y, size = rng.normal(0, 0.06), -0.42, rng.uniform(0.32, 0.45)
    canvas.fill(pose.at(ellipse(x, y, size, size * rng.uniform(0.8, 1))))
    for side in (-1, 1):
        paw = [[side * wide * 0.6, 0.2], [side * wide * 0.75, 0.6], [side * wide * 0.45, 0.95]]
        canvas.fill(pose.at(tube(curve(paw), 0.16, 0.11)))
    _ears(rng, canvas, pose, x, y, size)
    across, up = size * 0.42, size * 0.1
    return np.array([[x - across, y - up], [x + across, y - up], [x, y + size * 0.3]])


def _curled(rng: np.random.Generator, canvas: Canvas, pose: Pose) -> Points:
    canvas.fill(pose.at(blob(rng, 0, 0, 0.85, rng.uniform(0.5, 0.8), 0.05)))
    x, y, size = 0.55, -0.25, rng.uniform(0.28, 0.4)
    canvas.fill(pose.at(ellipse(x, y, size)))
    _ears(rng, canvas, pose, x, y, size)
    return np.array([[x - 0.1, y], [x + 0.15, y + 0.02], [x + 0.04, y + size * 0.4]])


def _ears(
    rng: np.random.Generator, canvas: Canvas, pose: Pose, x: float, y: float, size: float
) -> None:
    """Two ears on a head at (x, y), pointed or round, up or hanging."""
    high, wide = rng.uniform(-0.5, 1.5), rng.uniform(0.2, 0.4)
    tip = rng.uniform(0.02, 0.25)
    for side in (-1, 1):
        foot_x, foot_y = x + side * 0.6 * size, y - 0.6 * size
        end_x, end_y = foot_x + side * rng.uniform(0.1, 0.5) * size, foot_y - high * size
        middle = [(foot_x + end_x) / 2 + side * 0.1 * size, (foot_y + end_y) / 2]
        line = curve([[foot_x, foot_y], middle, [end_x, end_y]])
        canvas.fill(pose.at(tube(line, wide * size, tip * size)))


def _coat_roots(rng: np.random.Generator, skin: Plane, depth: float, count: int) -> Points:
    """Random places (count, 2) inside the skin, no deeper than `depth` pixels under its edge."""
    inside = np.pad((skin > 0.5).astype(np.uint8), 1, constant_values=1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1]
    places = np.flatnonzero((distance > 0) & (distance <= max(depth, 1.5)))
    if len(places) == 0:
        return np.zeros((0, 2))
    chosen = places[rng.integers(len(places), size=count)]
    y, x = np.divmod(chosen, skin.shape[1])
    return np.stack([x, y], axis=-1) + rng.random((count, 2))


def _coat(rng: np.random.Generator, skin: Plane, roots: Points, length: float) -> Points:
    """Strands (N, 10, 2) that lean out of the skin and along one common direction."""
    soft = cv2.GaussianBlur(skin, (0, 0), max(1.0, length / 2))
    right, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    x, y = np.minimum(roots.astype(int), [skin.shape[1] - 1, skin.shape[0] - 1]).T
    out = -np.stack([right[y, x], down[y, x]], axis=-1).astype(np.float64)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
    lie = rng.uniform(0, 2 * np.pi)
    out += rng.uniform(0.3, 1.2) * np.array([np.cos(lie), abs(np.sin(lie))])
    # Hairs of one square of the skin make a tuft.
    cells = (roots // max(length / 2, 1)).astype(np.int64)
    tufts = np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)
    lean = rng.normal(0, 0.3, len(cells))[tufts] + rng.normal(0, 0.15, len(roots))
    angles = np.arctan2(out[:, 1], out[:, 0]) + lean
    lengths = length * rng.gamma(8, 1 / 8, len(roots))
    return strands(rng, roots, angles, lengths, tufts, curl=0.5)


def _features(painter: Painter, pose: Pose, face: Points) -> None:
    """Eyes and, last, the nose."""
    size = painter.rng.uniform(0.03, 0.06)
    for x, y in face:
        outline = pose.at(ellipse(x, y, size, size * 0.9))
        painter.add(painter.fill(outline), colours=_DARK, pattern="plain", relief=0.02, gloss=0.9)
