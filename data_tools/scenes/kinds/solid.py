"""Sharp opaque things that matting gets wrong by shape: holes, and parts a pixel thin."""

from __future__ import annotations

import math

import numpy as np

from data_tools.scenes.painter import Painter
from data_tools.scenes.shapes import blob, closed_curve, curve, ellipse, tube


def _mug(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose()
    canvas = painter.canvas()
    top, bottom, tall = rng.uniform(0.45, 0.6), rng.uniform(0.35, 0.55), rng.uniform(0.5, 0.8)
    reach = rng.uniform(0.3, 0.5)
    side = [
        [top * 0.9, -tall * 0.6],
        [top + reach, -tall * 0.5],
        [top + reach, tall * 0.4],
        [bottom, tall * 0.6],
    ]
    canvas.stroke([pose.at(curve(side))], pose.radius * rng.uniform(0.08, 0.16))
    canvas.fill(
        pose.at(closed_curve([[-top, -tall], [top, -tall], [bottom, tall], [-bottom, tall]], 96))
    )
    painter.add(canvas.coverage(), gloss=rng.uniform(0, 0.7))
    mouth = painter.fill(pose.at(ellipse(0, -tall * 0.95, top * 0.85, 0.1)))
    painter.add(mouth, colours=painter.colours(2) * np.float32(0.5), relief=0.02)


def _wheel(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=1)
    canvas = painter.canvas()
    rim = rng.uniform(0.65, 0.85)
    canvas.fill(pose.at(ellipse(0, 0, 0.95)))
    canvas.cut(pose.at(ellipse(0, 0, rim)))
    number = rng.integers(4, 13)
    for turn in np.arange(number) * 2 * np.pi / number:
        tip = np.array([math.cos(turn), math.sin(turn)]) * (rim + 0.05)
        canvas.fill(pose.at(tube(np.stack([tip * 0.05, tip]), rng.uniform(0.03, 0.09), 0.04)))
    canvas.fill(pose.at(ellipse(0, 0, rng.uniform(0.12, 0.25))))
    painter.add(canvas.coverage(), relief=0.03, gloss=0.3)


def _chair(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=0.15)
    canvas = painter.canvas()
    back, width = rng.uniform(0.35, 0.5), pose.radius * rng.uniform(0.05, 0.1)
    lean = rng.uniform(-0.15, 0.15)
    posts = [[[s * back, 0.1], [s * back + lean, -0.95]] for s in (-1, 1)]
    legs = [
        [[s * back * f, 0.1], [s * (back * f + 0.06), 1 - (1 - f) * 0.4]]
        for s in (-1, 1)
        for f in (1, 0.7)
    ]
    slats = rng.integers(2, 6)
    if rng.random() < 0.5:
        heights = np.linspace(-0.9, -0.2, slats)
        bars = [[[-back + lean * -y, y], [back + lean * -y, y]] for y in heights]
    else:
        across = np.linspace(-back, back, slats + 2)[1:-1]
        bars = [[[x, 0.1], [x + lean, -0.9]] for x in across] + [
            [[-back + lean, -0.9], [back + lean, -0.9]]
        ]
    canvas.stroke([pose.at(line) for line in posts + legs + bars], width)
    canvas.fill(pose.at([[-back - 0.1, 0.2], [back + 0.1, 0.2], [back, 0.02], [-back, 0.02]]))
    painter.add(canvas.coverage(), relief=0.02)


def _pretzel(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=2)
    canvas = painter.canvas()
    canvas.fill(pose.at(blob(rng, 0, 0, 0.9, 0.75, 0.08)))
    number = rng.integers(1, 6)
    for turn in np.arange(number) * 2 * np.pi / number + rng.uniform(0, 6):
        away = 0.45 if number > 1 else 0.1
        size = rng.uniform(0.5, 0.8) * min(0.45, 1.2 / number)
        x, y = away * math.cos(turn), away * math.sin(turn) * 0.8
        canvas.cut(pose.at(blob(rng, x, y, size, size * rng.uniform(0.6, 1), 0.1)))
    painter.add(canvas.coverage(), gloss=rng.uniform(0, 0.5))


def _plant(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=0.1)
    canvas = painter.canvas()
    width = max(0.4, painter.unit * rng.uniform(0.002, 0.006))
    slim = rng.uniform(0.06, 0.3)
    for _ in range(rng.integers(6, 18)):
        sway = rng.normal(0, 0.45)
        stem = curve(
            [[rng.normal(0, 0.06), 0.55], [sway * 0.3, 0.1], [sway, -rng.uniform(0.2, 0.95)]]
        )
        canvas.stroke([pose.at(stem)], width)
        for place in rng.integers(10, 32, rng.integers(2, 9)):
            x, y = stem[place]
            long, turn = rng.uniform(0.08, 0.24), rng.uniform(-math.pi, 0)
            tip = np.array([math.cos(turn), math.sin(turn)]) * long
            side = np.array([-tip[1], tip[0]]) * slim
            root = np.array([x, y])
            canvas.fill(pose.at([root, root + tip / 2 + side, root + tip, root + tip / 2 - side]))
    painter.add(canvas.coverage(), relief=0.02)
    pot = [[-0.33, 0.5], [0.33, 0.5], [0.24, 1], [-0.24, 1]]
    painter.add(painter.fill(pose.at(pot)))


def _bicycle(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=0.2)
    wheels, frame = painter.canvas(), painter.canvas()
    size, thin = rng.uniform(0.36, 0.44), max(0.3, painter.unit * rng.uniform(0.001, 0.003))
    spokes = rng.integers(12, 30)
    for x in (-0.56, 0.56):
        turns = np.arange(spokes) * 2 * np.pi / spokes
        tips = np.stack([x + size * np.cos(turns), 0.4 + size * np.sin(turns)], axis=-1)
        hub = np.broadcast_to([x, 0.4], tips.shape)
        wheels.stroke(pose.at(np.stack([hub, tips], axis=1)), thin)
        wheels.stroke([pose.at(ellipse(x, 0.4, size))], pose.radius * 0.045, closed=True)
    painter.add(wheels.coverage(), relief=0.01)
    seat, crank, bar = [-0.2, -0.15], [-0.05, 0.42], [0.4, -0.2]
    tubes = [
        [[-0.56, 0.4], seat],
        [seat, crank],
        [crank, [-0.56, 0.4]],
        [seat, bar],
        [crank, bar],
        [bar, [0.56, 0.4]],
    ]
    tubes += [[seat, [-0.24, -0.32]], [bar, [0.36, -0.42]]]
    frame.stroke([pose.at(line) for line in tubes], pose.radius * rng.uniform(0.03, 0.06))
    frame.stroke([pose.at(curve([[0.25, -0.36], [0.36, -0.42], [0.5, -0.34]]))], pose.radius * 0.04)
    frame.fill(pose.at(ellipse(-0.24, -0.34, 0.14, 0.04)))
    painter.add(frame.coverage(), relief=0.01, gloss=0.4)


def _insect(painter: Painter) -> None:
    rng = painter.rng
    pose = painter.pose(turn=1.5)
    legs = painter.canvas()
    thin = max(0.3, painter.unit * rng.uniform(0.002, 0.005))
    for side in (-1, 1):
        for x in (-0.2, 0.0, 0.2):
            knee = [x * 2 + rng.normal(0, 0.05), side * rng.uniform(0.35, 0.55)]
            foot = [knee[0] * rng.uniform(1, 1.6), side * rng.uniform(0.6, 0.9)]
            legs.stroke([pose.at(curve([[x, side * 0.1], knee, foot]))], thin * 1.5)
        feeler = curve(
            [[0.5, side * 0.06], [0.8, side * 0.2], [1.05, side * rng.uniform(0.1, 0.5)]]
        )
        legs.stroke([pose.at(feeler)], thin)
    painter.add(legs.coverage(), relief=0.005)
    body = painter.canvas()
    body.fill(pose.at(ellipse(-0.4, 0, 0.42, rng.uniform(0.14, 0.26))))
    body.fill(pose.at(ellipse(0.12, 0, 0.2, 0.15)))
    body.fill(pose.at(ellipse(0.42, 0, 0.14, 0.13)))
    painter.add(body.coverage(), gloss=0.6)


HOLES = (_mug, _wheel, _chair, _pretzel)  # through which one looks
THIN = (_plant, _bicycle, _insect)  # stems, spokes and legs a pixel wide or less
