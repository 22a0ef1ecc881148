"""Heads and shoulders with long loose hair, cut by the lower border like a portrait."""

from __future__ import annotations

import numpy as np

from data_tools.scenes.canvas import Points
from data_tools.scenes.painter import Painter, strand_tone
from data_tools.scenes.palettes import Palette, draw_palette
from data_tools.scenes.shapes import Pose, blob, closed_curve, curve, ellipse, strands, tube

_DARK = np.array([[0.04, 0.03, 0.03], [0.2, 0.14, 0.1]], np.float32)


def draw_hair(painter: Painter) -> None:
    """Draw a head with shoulders below and hair behind, at the sides and flying off."""
    rng = painter.rng
    pose = painter.pose(turn=0.08, grounded=True)
    hair, reach = painter.colours(3), rng.uniform(0.5, 1.5)
    behind = _locks(painter, pose, painter.crowd(3500), longest=reach)
    _paint_hair(painter, pose, behind, hair, blob(rng, 0, -0.3, 0.42, 0.5, 0.05))
    _paint_body(painter, pose)
    front = _locks(painter, pose, painter.crowd(1000), longest=reach * rng.uniform(0.3, 0.9))
    crown = [[-0.36, -0.2], [-0.34, -0.62], [0, -0.84], [0.34, -0.62], [0.36, -0.2], [0.1, -0.58]]
    _paint_hair(painter, pose, front, hair, closed_curve(crown))


def _paint_body(painter: Painter, pose: Pose) -> None:
    rng = painter.rng
    skin = draw_palette(rng, "skin") if rng.random() < 0.6 else painter.colours()
    neck = painter.fill(pose.at(tube(curve([[0, -0.1], [0, 0.6]]), 0.15, 0.2)))
    painter.add(neck, colours=skin, pattern="plain")
    wide, slope = rng.uniform(0.75, 1.0), rng.uniform(0.1, 0.3)
    shoulders = [[-wide, 3], [-wide, 0.45 + slope], [-0.28, 0.26], [0, 0.34 + slope / 2]]
    mirrored = [[-x, y] for x, y in shoulders[2::-1]]
    painter.add(painter.fill(pose.at(closed_curve(shoulders + mirrored))), relief=0.12)
    head = painter.fill(pose.at(blob(rng, 0, -0.3, 0.31, 0.42, 0.015)))
    painter.add(head, colours=skin, pattern="plain", relief=0.14)
    eyes = painter.canvas()
    for side in (-1, 1):
        eyes.fill(pose.at(ellipse(side * 0.13, -0.3, 0.05, 0.025)))
        brow = curve([[side * 0.06, -0.38], [side * 0.13, -0.41], [side * 0.2, -0.38]])
        eyes.stroke([pose.at(brow)], pose.radius * 0.02)
    painter.add(eyes.coverage(), colours=_DARK, pattern="plain", relief=0.01, gloss=0.5)
    mouth = tube(curve([[-0.09, -0.07], [0, -0.05], [0.09, -0.07]]), 0.015, 0.015)
    nose = tube(curve([[0.0, -0.3], [0.02, -0.2], [0.03, -0.17]]), 0.008, 0.03)
    for outline in (mouth, nose):
        part = painter.fill(pose.at(outline))
        painter.add(part, colours=skin * np.float32(0.65), pattern="plain", relief=0.02)


def _locks(painter: Painter, pose: Pose, count: int, longest: float) -> Points:
    """Hair (count, 16, 2) in pixels, grown in locks from the scalp, which hangs or flies."""
    rng = painter.rng
    locks = rng.integers(40, 110)
    around = rng.uniform(-0.15, np.pi + 0.15, locks)
    of = rng.integers(locks, size=count)
    place = around[of] + rng.normal(0, 0.12, count)
    roots = np.stack([0.33 * np.cos(place), -0.38 - 0.42 * np.sin(place)], axis=-1)
    roots *= rng.uniform(0.93, 1.0, (count, 1))
    outward = np.arctan2(-np.sin(place), np.cos(place))
    # Hair leaves the scalp at a slant and turns downwards the short way round.
    down = (np.pi / 2 - outward + np.pi) % (2 * np.pi) - np.pi
    slant = rng.uniform(0.1, 0.75)
    lean = (1 - slant) * (rng.uniform(0.6, 1.15) + rng.normal(0, 0.12, locks)[of])
    lengths = longest * rng.uniform(0.5, 1, locks)[of] * rng.uniform(0.6, 1, count)
    curl = rng.uniform(0.1, 0.5)
    start, turn = outward + slant * down, down * lean
    return pose.at(strands(rng, roots, start, lengths, of, curl, turn, count=16))


def _paint_hair(
    painter: Painter, pose: Pose, lines: Points, colours: Palette, mass: Points
) -> None:
    """Paint strands (N, K, 2) in pixels and the dense mass that they grow from, an outline."""
    canvas = painter.canvas()
    canvas.fill(pose.at(mass))
    form = canvas.coverage()
    canvas.strands(lines, width=max(0.3, painter.unit * painter.rng.uniform(0.0008, 0.002)))
    tone = strand_tone(painter, lines, 0.45)
    hair = canvas.coverage()
    painter.add(hair, colours=colours, pattern="plain", relief=0.1, form=form, tone=tone)
