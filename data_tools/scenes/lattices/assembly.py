"""Wires and beams in space, seen by one camera and painted from far to near."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_tools.scenes.canvas import SHIFT, Points, fixed_point
from data_tools.scenes.lattices.patterns import Surface
from data_tools.scenes.painter import Painter
from data_tools.scenes.palettes import Palette

_MEAN = 128  # the level of brightness 1
_FACES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


class _Piece(NamedTuple):
    depth: float
    near: bool  # in front of what the thing holds
    outline: Points  # (K, 2) pixels
    width: float  # pixels of a wire; 0 is a filled outline
    level: int


class Look(NamedTuple):
    """Colours (K, 3), pattern and gloss, 0 to 1, of a material, as `Painter.add` calls them."""

    colours: Palette
    pattern: str
    gloss: float


class Assembly:
    """A thing of wires and beams in a frame of its own: x right, y down, z to the viewer."""

    def __init__(self, painter: Painter, yaw: float, tilt: float) -> None:
        """Place it, turned by `yaw` about its vertical axis, seen from `tilt` above (radians)."""
        self.painter = painter
        self.pose = painter.pose(turn=0.06)
        self._tilt = tilt
        cos, sin = math.cos(yaw), math.sin(yaw)
        self._turned = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        cos, sin = math.cos(tilt), math.sin(tilt)
        self._camera = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]]) @ self._turned
        self._near = painter.rng.uniform(0, 0.18)  # strength of the perspective
        self._pieces: list[_Piece] = []

    def pixels(self, points: ArrayLike) -> Points:
        """Points (..., 3) of the frame as pixels (..., 2)."""
        seen = np.asarray(points, np.float64) @ self._camera.T
        return self.pose.at(seen[..., :2] / (1 - self._near * seen[..., 2:]))

    def lattice(self, surface: Surface, lines: list[Points], width: float) -> None:
        """Lay families of lines (L, N, 3) on a surface as strands `width` pixels wide."""
        for family in lines:
            points, normals = surface(family[..., :2])
            lift = family[..., 2:]
            raised = points + normals * lift * (width / self.pose.radius / 2)
            self._wires(raised, normals, width, lift)

    def wire(self, points: ArrayLike, width: float) -> None:
        """Add a bent wire or tube (N, 3), `width` pixels thick."""
        line = np.asarray(points, np.float64)[None]
        outward = line * [1, 0, 1]
        length = np.linalg.norm(outward, axis=-1, keepdims=True)
        self._wires(line, outward / np.maximum(length, 1e-6), width, np.zeros_like(length))

    def beam(self, start: ArrayLike, end: ArrayLike, half: float, flat: float) -> None:
        """Add a box from `start` to `end` (3,), which differ most along x, y or z.

        Args:
            start: Middle of one end.
            end: Middle of the other.
            half: Half of its thickness across, along y, or along x if it stands.
            flat: Half of its thickness along z, or along x if it runs along z.
        """
        ends = np.array([start, end], np.float64)
        along = int(np.argmax(np.abs(ends[1] - ends[0])))
        first, second = (axis for axis in (1, 0, 2) if axis != along)
        one, two = half * np.eye(3)[first], flat * np.eye(3)[second]
        corners = np.array([p + s * one + t * two for p in ends for s in (-1, 1) for t in (-1, 1)])
        seen, outline = corners @ self._camera.T, self.pixels(corners)
        middle = seen.mean(0)
        near = bool((corners @ self._turned.T).mean(0)[2] >= 0)
        for face in _FACES:
            part = seen[list(face)]
            normal = np.cross(part[1] - part[0], part[2] - part[0])
            normal /= max(float(np.linalg.norm(normal)), 1e-9)
            if (part.mean(0) - middle) @ normal < 0:
                normal = -normal
            if normal[2] > -0.1:
                level = int(self._levels(normal[None])[0])
                depth = float(part[:, 2].mean())
                self._pieces.append(_Piece(depth, near, outline[list(face)], 0.0, level))

    def paint(self, near: bool | None, look: Look) -> None:
        """Paint what is in front of the contents, or behind them, or all, and forget it."""
        chosen = [each for each in self._pieces if near is None or each.near == near]
        self._pieces = [each for each in self._pieces if near is not None and each.near != near]
        painter, canvas = self.painter, self.painter.canvas()
        levels = np.full((painter.height, painter.width), _MEAN, np.uint8)
        for piece in sorted(chosen, key=lambda each: each.depth):
            fixed = fixed_point(piece.outline)
            if piece.width:
                thickness = math.ceil(piece.width) + 1
                cv2.polylines(levels, [fixed], False, piece.level, thickness, cv2.LINE_8, SHIFT)
            else:
                canvas.fill(piece.outline)
                cv2.fillConvexPoly(levels, fixed, piece.level, cv2.LINE_8, SHIFT)
        widths = {piece.width for piece in chosen} - {0.0}
        for width in sorted(widths):
            canvas.stroke([each.outline for each in chosen if each.width == width], width)
        tone = levels.astype(np.float32) / np.float32(_MEAN)
        relief = min(widths, default=0.01 * painter.unit) / 2 / painter.unit
        painter.add(canvas.coverage(), relief=relief, tone=tone, **look._asdict())

    def _wires(self, lines: Points, normals: Points, width: float, lift: Points) -> None:
        """Add lines (L, N, 3) with outward normals (L, N, 3) and lift (L, N, 1), by pieces."""
        flat = self.pixels(lines)
        ends = np.stack([flat[:, :-1], flat[:, 1:]], axis=2).reshape(-1, 2, 2)
        depth = ((lines[:, :-1] + lines[:, 1:]) / 2 @ self._camera[2]).ravel()
        facing = (normals[:, :-1] + normals[:, 1:]).reshape(-1, 3) / 2
        near = facing @ self._turned[2] >= 0
        # What passes under another strand lies in its shadow, on either side of the wall.
        over = (lift[:, :-1] + lift[:, 1:]).ravel() / 2 * np.where(near, 1, -1)
        levels = self._levels(facing @ self._camera.T, 1 + 0.3 * over)
        rows = zip(depth.tolist(), near.tolist(), ends, levels.tolist(), strict=True)
        self._pieces += [_Piece(z, front, end, width, level) for z, front, end, level in rows]

    def _levels(self, normals: Points, gain: Points | float = 1.0) -> NDArray[np.int64]:
        """Brightness (N,) by the light; the inside of a wall, which faces away, is darker."""
        inside = normals[:, 2] < 0
        towards = np.where(inside[:, None], -normals, normals) @ self.painter.light
        bright = gain * (0.55 + 0.6 * np.maximum(towards, 0) - 0.2 * inside)
        return np.rint(np.clip(bright * _MEAN, 0, 255)).astype(np.int64)
