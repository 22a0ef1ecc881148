"""The light click network in PyTorch, for the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gfm.models.light_clicks.engine import ClickEngine, Floats
from gfm.models.light_clicks.network import LightClicks


class TorchGraphs:
    """Encoder and head of a network.

    Args:
        network: In eval mode.
    """

    def __init__(self, network: LightClicks) -> None:
        self.network = network

    @torch.inference_mode()
    def encode(self, image: Floats) -> list[Tensor]:
        """See `gfm.models.light_clicks.engine.Graphs`."""
        return self.network.encode(self._tensor(image))

    @torch.inference_mode()
    def head(self, maps: Floats, previous: Floats, features: Sequence[Tensor]) -> Floats:
        """See `gfm.models.light_clicks.engine.Graphs`."""
        logits = self.network.head(self._tensor(maps), self._tensor(previous), *features)
        return np.asarray(logits.float().cpu().numpy())

    def _tensor(self, array: Floats) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        made = tensor.to(self.network.device, self.network.dtype)
        return made.contiguous(memory_format=torch.channels_last)


def engine_of(network: LightClicks) -> ClickEngine:
    """The engine of a network in PyTorch."""
    return ClickEngine(TorchGraphs(network), network.config.side)
