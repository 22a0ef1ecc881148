"""Both parts of the light click network in whatever runtime its model has, for the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gfm.models.contract import MattingModel
from gfm.models.light_clicks.engine import ClickEngine, Floats
from gfm.models.light_clicks.maps import STRIDE

FEATURES = ("f2", "f4", "f8", "f16", "f32")  # by their strides
LOGITS = "logits"


class ModelGraphs:
    """Encoder and head of a model.

    Args:
        model: In eval mode.
    """

    def __init__(self, model: MattingModel) -> None:
        self.model = model

    def encode(self, image: Floats) -> list[Floats]:
        """See `gfm.models.light_clicks.engine.Graphs`."""
        return self.model.run({"image": image}, FEATURES)

    def head(self, maps: Floats, previous: Floats, features: Sequence[Floats]) -> Floats:
        """See `gfm.models.light_clicks.engine.Graphs`."""
        given = {"maps": maps, "previous": previous, **dict(zip(FEATURES, features, strict=True))}
        # An exported head asks the image for its size, and for nothing else.
        size = [STRIDE * side for side in maps.shape[-2:]]
        given["image"] = np.zeros((len(maps), 3, *size), np.float32)
        (logits,) = self.model.run(given, (LOGITS,))
        return logits


def engine_of(model: MattingModel) -> ClickEngine:
    """The engine of a model."""
    return ClickEngine(ModelGraphs(model), model.config.side)
