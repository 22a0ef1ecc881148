"""Things with soft edges: a part moved or is out of focus."""

from __future__ import annotations

import math

import cv2
import numpy as np

from data_tools.scenes.layers import Layer, Plane, disc_blur, over, sweep
from data_tools.scenes.painter import Painter
from data_tools.scenes.shapes import Pose, blob, closed_curve, curve, ellipse, tube


def draw_defocus(painter: Painter) -> None:
    """Draw a thing of several parts, the nearer ones out of focus."""
    rng = painter.rng
    pose = painter.pose(turn=0.4)
    radius = painter.unit * rng.uniform(0.008, 0.03)
    if rng.random() < 0.5:
        _figure(painter, pose, arms=painter)
        y, x = np.ogrid[: painter.height, : painter.width]
        angle = rng.uniform(0, 2 * math.pi)
        depth = ((x - pose.x) * math.cos(angle) + (y - pose.y) * math.sin(angle)) / pose.radius
        painter.layer = _focused(painter.layer, depth.astype(np.float32), radius)
        return
    for _ in range(rng.integers(3, 7)):
        x, y = rng.uniform(-0.45, 0.45, 2)
        petal = painter.blank()
        size = rng.uniform(0.3, 0.55)
        petal.add(petal.fill(pose.at(blob(rng, x, y, size, size * rng.uniform(0.4, 1), 0.1))))
        painter.layer = over(disc_blur(petal.layer, radius * rng.uniform(0.2, 1)), painter.layer)


def _focused(layer: Layer, depth: Plane, radius: float) -> Layer:
    """Blur by up to `radius` pixels where the depth nears 1, not at all below 0."""
    near = np.clip(depth, 0, 1)[..., None]
    half, full = disc_blur(layer, radius / 2), disc_blur(layer, radius)
    first, second = np.minimum(near * 2, 1), np.maximum(near * 2 - 1, 0)
    mixed: Layer = (layer * (1 - first) + half * first) * (1 - second) + full * second
    return mixed


def _spun(layer: Layer, x: float, y: float, angle: float, radius: float) -> Layer:
    """Blur by a turn of `angle` radians round (x, y); `radius` pixels is how far parts reach."""
    doublings = max(1, math.ceil(math.log2(max(abs(angle) * radius, 2))))
    step = cv2.getRotationMatrix2D((x, y), math.degrees(angle) / 2**doublings, 1.0)
    return sweep(layer, np.asarray(step, np.float64), doublings)


def _moved(layer: Layer, dx: float, dy: float) -> Layer:
    """Blur by a straight movement of (dx, dy) pixels."""
    doublings = max(1, math.ceil(math.log2(max(math.hypot(dx, dy), 2))))
    step = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    step[:, 2] /= 2**doublings
    return sweep(layer, step, doublings)


def _propeller(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose()
    stand = tube(curve([[0.0, 0.0], [0.05, 0.6], [0.0, 1.2]]), 0.07, rng.uniform(0.1, 0.3))
    painter.add(painter.fill(pose.at(stand)))
    blades = painter.blank()
    canvas = blades.canvas()
    number = rng.integers(2, 6)
    for turn in np.arange(number) * 2 * np.pi / number + rng.uniform(0, 6):
        tip = np.array([np.cos(turn), np.sin(turn)])
        side = np.array([-tip[1], tip[0]]) * rng.uniform(0.12, 0.25)
        blade = closed_curve([tip * 0.05, tip * 0.5 + side, tip, tip * 0.6 - side * 0.6])
        canvas.fill(pose.at(blade))
    blades.add(canvas.coverage(), relief=0.02)
    angle = rng.uniform(0.15, 0.9)
    painter.layer = over(_spun(blades.layer, pose.x, pose.y, angle, pose.radius), painter.layer)
    painter.add(painter.fill(pose.at(ellipse(0, 0, rng.uniform(0.08, 0.16)))), gloss=0.5)


def _ball(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=1)
    size = rng.uniform(0.4, 0.6)
    painter.add(painter.fill(pose.at(ellipse(0, 0, size))), relief=0.2, gloss=0.6)
    canvas = painter.canvas()
    for bend in rng.uniform(-0.9, 0.9, 2):
        seam = curve([[-size * 0.98, 0], [0, bend * size], [size * 0.98, 0]])
        canvas.stroke([pose.at(seam)], pose.radius * 0.03)
    painter.add(canvas.coverage(), relief=0)
    far = pose.radius * rng.uniform(0.12, 0.5)
    angle = rng.uniform(0, 2 * math.pi)
    painter.layer = _moved(painter.layer, far * math.cos(angle), far * math.sin(angle))


def _runner(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose()
    limbs = painter.blank()
    _figure(painter, pose, arms=limbs)
    if rng.random() < 0.5:
        angle = rng.uniform(0.08, 0.3) * rng.choice([-1, 1])
        blurred = _spun(limbs.layer, pose.x, pose.y, angle, pose.radius)
    else:
        far = pose.radius * rng.normal(0, 0.14, 2)
        blurred = _moved(limbs.layer, *far)
    painter.layer = over(painter.layer, blurred)


def _figure(painter: Painter, pose: Pose, arms: Painter) -> None:
    """A figure of trunk and head; its limbs go to the painter `arms`."""
    rng = painter.rng
    canvas = arms.canvas()
    for side in (-1, 1):
        for x, y, reach, spread in ((0.2, -0.25, 0.75, 0.6), (0.13, 0.3, 0.85, 0.25)):
            first = math.pi / 2 - side * abs(rng.normal(spread, 0.4))
            second = first + rng.normal(0, 0.5)
            joint = np.array([side * x, y])
            elbow = joint + np.array([math.cos(first), math.sin(first)]) * reach / 2
            hand = elbow + np.array([math.cos(second), math.sin(second)]) * reach / 2
            canvas.fill(pose.at(tube(curve([joint, elbow, hand]), 0.1, 0.06)))
            canvas.fill(pose.at(ellipse(hand[0], hand[1], 0.08)))
    arms.add(canvas.coverage())
    trunk = closed_curve([[-0.28, -0.32], [0.28, -0.32], [0.2, 0.1], [0.22, 0.4], [-0.22, 0.4]])
    painter.add(painter.fill(pose.at(trunk)))
    painter.add(painter.fill(pose.at(ellipse(rng.normal(0, 0.05), -0.58, 0.19, 0.23))))


MOVING = (_propeller, _ball, _runner)  # it spins, it was thrown, its limbs move
