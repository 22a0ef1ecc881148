"""Nets and lace: threads under a pixel wide in regular patterns with holes between."""

from __future__ import annotations

import math

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.painter import Painter
from data_tools.scenes.shapes import Pose, blob, closed_curve, curve, ellipse, tube


def _thread(painter: Painter) -> float:
    return max(0.3, painter.unit * painter.rng.uniform(0.0015, 0.005))


def _mesh(painter: Painter, pose: Pose, warp: float) -> list[Points]:
    """Two families of parallel lines over the frame, each wavering by `warp`."""
    rng = painter.rng
    gap, crossing = rng.uniform(0.05, 0.12), rng.choice([math.pi / 2, math.pi / 3])
    start, t = rng.uniform(0, math.pi), np.linspace(-1.3, 1.3, 40)
    waver = rng.uniform(0, 6, 2)
    lines = []
    for angle in (start, start + crossing):
        cos, sin = math.cos(angle), math.sin(angle)
        for offset in np.arange(-1.3, 1.3, gap):
            x, y = cos * t - sin * offset, sin * t + cos * offset
            bent = [x + warp * np.sin(4 * y + waver[0]), y + warp * np.sin(4 * x + waver[1])]
            lines.append(pose.at(np.stack(bent, axis=-1)))
    return lines


def _paint_mesh(painter: Painter, pose: Pose, outline: Points, warp: float, rim: float) -> None:
    canvas = painter.canvas()
    canvas.stroke(_mesh(painter, pose, warp), _thread(painter))
    threads = canvas.coverage() * painter.fill(outline)
    edge = painter.canvas()
    edge.stroke([outline], rim, closed=True)
    painter.add(np.maximum(threads, edge.coverage()), relief=0.01)


def _racket(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=1.2)
    oval = ellipse(0, -0.35, rng.uniform(0.42, 0.55), rng.uniform(0.55, 0.65))
    handle = tube(curve([[0, 0.15], [0, 0.5], [0, 1.1]]), 0.04, 0.08)
    painter.add(painter.fill(pose.at(handle)))
    _paint_mesh(painter, pose, pose.at(oval), 0.0, rim=pose.radius * rng.uniform(0.04, 0.1))


def _doily(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=1.5)
    fold, width = rng.integers(8, 20), _thread(painter)
    canvas = painter.canvas()
    t = np.linspace(0, 2 * np.pi, 240)
    lines = []
    for r in np.linspace(0.12, 0.95, rng.integers(5, 10)):
        wave = r * (1 + rng.uniform(0, 0.09) * np.cos(fold * t + rng.choice([0, np.pi])))
        lines.append(pose.at(np.stack([wave * np.cos(t), wave * np.sin(t)], axis=-1)))
        if rng.random() < 0.5:
            petals = max(0.02, r * np.pi / fold)
            for turn in np.arange(fold) * 2 * np.pi / fold:
                x, y = r * np.cos(turn), r * np.sin(turn)
                lines.append(pose.at(ellipse(x, y, petals, petals * 0.5, turn)))
    for turn in np.arange(2 * fold) * np.pi / fold:
        tip = np.array([np.cos(turn), np.sin(turn)])
        lines.append(pose.at(np.stack([tip * 0.1, tip * 0.95])))
    canvas.stroke(lines, width, closed=True)
    canvas.fill(pose.at(ellipse(0, 0, rng.uniform(0.05, 0.3))))
    painter.add(canvas.coverage(), relief=0.01)


def _bag(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose()
    for _ in range(rng.integers(2, 5)):
        x, y, size = rng.normal(0, 0.22), rng.uniform(-0.1, 0.5), rng.uniform(0.2, 0.35)
        painter.add(painter.fill(pose.at(blob(rng, x, y, size, size, 0.03))), relief=0.1, gloss=0.3)
    sack = closed_curve(
        [[-0.2, -0.6], [0.2, -0.6], [0.65, 0.1], [0.5, 0.8], [-0.5, 0.8], [-0.65, 0.1]]
    )
    _paint_mesh(painter, pose, pose.at(sack), 0.05, rim=_thread(painter) * 2)
    loops = painter.canvas()
    for side in (-1, 1):
        loop = curve([[side * 0.18, -0.6], [side * 0.12, -1], [-side * 0.05, -0.95], [0, -0.6]])
        loops.stroke([pose.at(loop)], pose.radius * 0.03)
    painter.add(loops.coverage(), relief=0.01)


def _veil(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose()
    hem = 0.8 + rng.normal(0, 0.08, 5)
    low = [[x, y] for x, y in zip(np.linspace(0.8, -0.8, 5), hem, strict=True)]
    cloth = closed_curve([[-0.7, -0.8], [0, -0.8 + rng.uniform(0, 0.2)], [0.7, -0.8], *low])
    _paint_mesh(painter, pose, pose.at(cloth), rng.uniform(0.02, 0.09), rim=_thread(painter) * 2)
    rod = tube(curve([[-0.9, -0.82], [0.9, -0.82]]), 0.04, 0.04)
    painter.add(painter.fill(pose.at(rod)), gloss=0.5)


NETS = (_racket, _doily, _bag, _veil)  # the last hangs from a rod
