"""Models without networks, for the tests of the server: every click is a disc."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from gfm.guidance.guidance import Guidance
from gfm.inference.cutout import Matte
from gfm.models.contract import Prediction, System
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import Photograph

RADIUS = 8  # px, of a corrected matte
WHOLE = 24  # px, of what a first click selects by itself


class DiscSession:
    """The first matte, with a disc of 1 or 0 around each click."""

    opened = 0

    def __init__(self, photograph: Photograph, first: Matte | None) -> None:
        type(self).opened += 1
        self.photograph = photograph
        self.radius = WHOLE if first is None else RADIUS
        size = photograph.pixels.shape[:2]
        self.first = np.zeros(size, np.float32) if first is None else first.alpha
        self.marks: list[list[tuple[int, int, bool]]] = []

    def add(self, points: tuple[tuple[int, int, bool], ...]) -> None:
        if (13, 13) in [point[:2] for point in points]:
            raise InputError("x=13, y=13 is unlucky; click elsewhere")
        self.marks.append(list(points))

    def undo(self) -> None:
        self.marks.pop()

    @property
    def matte(self) -> Matte:
        alpha = self.first.copy()
        for x, y, positive in (mark for marks in self.marks for mark in marks):
            cv2.circle(alpha, (x, y), self.radius, float(positive), cv2.FILLED)
        trimap = np.where(alpha > 0.5, 2, 0).astype(np.uint8)
        return Matte(alpha, self.photograph.pixels, trimap)


class Halves(System):
    """A system without a network: the object is the left half, or what the guidance says."""

    name = "halves"
    guidance = frozenset({"trimap", "mask"})

    def build(self, config, weights=None):
        pytest.fail("a system without a network is not built")

    def wants_refinement(self, models):
        return models[0].refined

    def predict(self, models, images, guidance, options):
        return [self._predict(*pair) for pair in zip(images, guidance, strict=True)]

    def _predict(self, image: np.ndarray, given: Guidance) -> Prediction:
        alpha = np.zeros(image.shape[:2], np.float32)
        alpha[:, : alpha.shape[1] // 2] = 1
        if given.mask is not None:
            alpha = given.mask
        elif given.trimap is not None:
            alpha = given.trimap / np.float32(255)
        return Prediction(alpha, foreground=image)


class HalvesModel:
    system, training, config = "halves", False, None
    device, dtype = torch.device("cpu"), torch.float32

    def __init__(self, refined: bool = False) -> None:
        self.refined = refined


SYSTEM = Halves()
