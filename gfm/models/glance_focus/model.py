"""Calls of a GFM network that inference needs, whatever runs it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from gfm.models.contract import MattingModel
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import Matting, RimMatting


class GFMModel(MattingModel, Protocol):
    """A network in PyTorch (`gfm.GFM`) or an exported one in another runtime.

    Images are RGB (B, 3, H, W), float, in [0, 1], of any height and width, on `device`.
    """

    @property
    def config(self) -> GFMConfig:
        """The configuration that it was built from."""

    def __call__(self, image: Tensor) -> Matting | RimMatting:
        """Glance, focus and matte at the size of the image, by both decoders."""

    def glance_probabilities(self, image: Tensor) -> Tensor:
        """Class probabilities (B, C, H, W) alone; a network with one representation."""

    def focus_alpha(self, image: Tensor) -> Tensor:
        """Fractional part (B, 1, H, W) alone; a network with one representation."""
