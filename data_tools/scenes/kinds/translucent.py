"""Smoke and glass: alpha far from 0 and 1 over wide areas."""

from __future__ import annotations

import cv2
import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.layers import Plane
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import draw_palette
from data_tools.scenes.shapes import Pose, box, curve, ellipse, tube
from data_tools.scenes.textures import bent, fractal


def draw_smoke(painter: Painter) -> None:
    """Draw a plume of smoke, alpha about 0.1 to 0.8, that rises from a small solid thing."""
    rng = painter.rng
    pose = painter.pose(turn=0.1)
    sway = rng.normal(0, 0.2, 3)
    path = curve([[0, 0.6], [sway[0] * 0.5, 0.1], [sway[1], -0.5], [sway[1] + sway[2], -1.3]])
    plume = painter.fill(pose.at(tube(path, 0.06, rng.uniform(0.4, 0.8))))
    density = np.clip(_billows(painter, plume, pose.radius) * rng.uniform(0.9, 1.4), 0, 0.85)
    pale = draw_palette(rng, "pale" if rng.random() < 0.6 else None)
    painter.add(density, colours=pale, pattern="mottled", relief=0)
    if rng.random() < 0.5:
        cup = np.array([[-0.3, 0.5], [0.3, 0.5], [0.24, 0.95], [-0.24, 0.95]])
        painter.add(painter.fill(pose.at(cup)), gloss=0.4)
    else:
        painter.add(painter.fill(pose.at(box(-0.1, 0.55, 0.1, 1.1))), gloss=0.2)


def _billows(painter: Painter, plume: Plane, radius: float) -> Plane:
    """Density (H, W) of smoke within an envelope: noise displaced by noise."""
    rng, height, width = painter.rng, painter.height, painter.width
    soft = cv2.GaussianBlur(plume, (0, 0), max(1.0, radius * 0.12))
    x, y, detail = (fractal(rng, height, width, radius * size) for size in (0.5, 0.5, 0.35))
    return bent(soft * (np.float32(0.25) + detail), x, y, radius * 0.5)


def draw_glass(painter: Painter) -> None:
    """Draw a bottle or a glass: opaque rims, a translucent body, liquid, highlights, a label."""
    rng = painter.rng
    pose = painter.pose(turn=0.15)
    profile = [_bottle, _goblet, _tumbler][rng.integers(3)](rng)
    tint = painter.colours(2)
    wall = _revolved(painter, pose, profile, 1.0)
    inner = _revolved(painter, pose, profile, rng.uniform(0.82, 0.92))
    painter.add(wall * np.float32(rng.uniform(0.12, 0.35)), colours=tint, relief=0)
    if rng.random() < 0.6:
        level = np.quantile(profile[:, 1], rng.uniform(0.3, 0.6))
        below = painter.fill(pose.at(box(-1, level, 1, 2)))
        painter.add(
            inner * below * np.float32(rng.uniform(0.4, 0.85)), pattern="plain", relief=0.05
        )
    edge = np.clip(wall - inner, 0, 1) * np.float32(rng.uniform(0.6, 1))
    painter.add(edge, colours=tint, pattern="gradient", relief=0.03, gloss=0.6, form=wall)
    if rng.random() < 0.4:
        low, high = np.quantile(profile[:, 1], [0.6, 0.8])
        painter.add(painter.fill(pose.at(box(-1, low, 1, high))) * wall, relief=0.1, form=wall)
    _highlights(painter, pose, profile)


def _revolved(painter: Painter, pose: Pose, profile: Points, share: float) -> Plane:
    """Silhouette (H, W) of a profile (N, 2) of half-widths and heights turned about its axis."""
    right = profile * [share, 1]
    return painter.fill(pose.at(np.concatenate([right, right[::-1] * [-1, 1]])))


def _bottle(rng: np.random.Generator) -> Points:
    wide, neck, shoulder = rng.uniform(0.25, 0.45), rng.uniform(0.08, 0.13), rng.uniform(-0.4, 0.1)
    points = [
        [neck * 1.2, -1],
        [neck, -0.9],
        [neck, shoulder - 0.25],
        [wide, shoulder],
        [wide, 0.9],
        [wide * 0.9, 1],
    ]
    return curve(points, 64)


def _goblet(rng: np.random.Generator) -> Points:
    wide, foot = rng.uniform(0.35, 0.55), rng.uniform(0.3, 0.45)
    points = [
        [wide * 0.8, -1],
        [wide, -0.5],
        [wide * 0.7, -0.1],
        [0.05, 0.15],
        [0.045, 0.8],
        [foot, 0.95],
        [foot, 1],
    ]
    return np.maximum(curve(points, 64), [0.03, -2])


def _tumbler(rng: np.random.Generator) -> Points:
    top, bottom = rng.uniform(0.4, 0.6), rng.uniform(0.3, 0.5)
    return curve([[top, -0.7], [(top + bottom) / 2, 0], [bottom, 0.75], [bottom * 0.9, 0.8]], 64)


def _highlights(painter: Painter, pose: Pose, profile: Points) -> None:
    rng = painter.rng
    canvas = painter.canvas()
    for share in rng.uniform(-0.75, 0.75, rng.integers(1, 4)):
        first = rng.integers(0, len(profile) // 2)
        part = profile[first : first + rng.integers(8, 30)] * [share, 1]
        canvas.fill(pose.at(tube(part, rng.uniform(0.01, 0.04), 0.01)))
    rim = ellipse(0, profile[0, 1], profile[0, 0], profile[0, 0] * rng.uniform(0.1, 0.25))
    canvas.stroke([pose.at(rim)], max(0.5, pose.radius * 0.015), closed=True)
    shine = canvas.coverage() * np.float32(rng.uniform(0.6, 1))
    painter.add(shine, colours=np.array([[0.9, 0.92, 0.95], [1, 1, 1]], np.float32), relief=0)
