"""The light click model on arrays: what is computed once for a photograph, and for every click.

The networks themselves run in PyTorch or in another runtime, behind `Graphs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.models.light_clicks.config import MULTIPLE
from gfm.models.light_clicks.maps import click_maps
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import resize

PASSES = 3  # of the head for each click; after one, much of a part that changes is half grey

Floats = NDArray[np.float32]


class Graphs(Protocol):
    """Both parts of the network, in some runtime."""

    def encode(self, image: Floats) -> Sequence[Any]:
        """Features of RGB (1, 3, h, w) in [0, 1], as the runtime keeps them."""

    def head(self, maps: Floats, previous: Floats, features: Sequence[Any]) -> Floats:
        """Logits (1, 1, h / 2, w / 2) of maps (1, 4, h / 4, w / 4) and a matte (1, 1, h/2, w/2)."""


class State(NamedTuple):
    """A photograph, encoded.

    Attributes:
        features: As `Graphs` returns them.
        size: Height and width of the working size.
    """

    features: Sequence[Any]
    size: tuple[int, int]


@dataclass(frozen=True)
class ClickEngine:
    """The model, for sessions.

    Attributes:
        graphs: Its networks.
        side: Longer side of the working size.
    """

    graphs: Graphs
    side: int

    def encode(self, photograph: Uint8Image) -> State:
        """Encode a photograph (H, W, 3), RGB, in the working size."""
        height, width = working_size(photograph.shape[0], photograph.shape[1], self.side)
        small = resize(photograph, (height, width))
        image = np.ascontiguousarray(small.transpose(2, 0, 1), np.float32) / np.float32(255)
        return State(self.graphs.encode(image[None]), (height, width))

    def predict(self, state: State, clicks: Clicks, previous: Alpha | None) -> Alpha:
        """The matte (h, w) in the working size, after `PASSES` passes of the head.

        Each pass is given the matte of the one before.

        Args:
            state: Of `encode`.
            clicks: All clicks so far, in px of the photograph.
            previous: The matte before the last of them, in any size; None is 0 everywhere.
        """
        height, width = state.size
        half = (height // 2, width // 2)
        fed = np.zeros(half, np.float32)
        if previous is not None:
            fed = resize(previous, half).clip(0, 1)
        maps = click_maps(clicks, height, width)
        for _ in range(PASSES):
            logits = self.graphs.head(maps[None], fed[None, None], state.features)[0, 0]
            fed = _sigmoid(logits)
        return _sigmoid(cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR))


def working_size(height: int, width: int, side: int) -> tuple[int, int]:
    """The nearest height and width that are multiples of 32, the longer of them `side`."""
    scale = side / max(height, width) / MULTIPLE
    rows, columns = (max(round(each * scale), 1) * MULTIPLE for each in (height, width))
    return rows, columns


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
