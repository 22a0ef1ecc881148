"""The light click network behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.models.contract import ClickEngine, Graph, MattingModel, Prediction, System
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.options import MatteOptions

if TYPE_CHECKING:
    from gfm.models.light_clicks.network import LightClicks
    from gfm.models.light_clicks.task import LightClicksTask


class LightClicksSystem(System):
    """Alpha from clicks, and from the matte that they correct, by a light network."""

    name = "light_clicks"
    config = LightClicksConfig
    guidance = frozenset({"clicks", "mask"})
    needs_guidance = True
    corrects_matte = True
    without_effect = (*System.without_effect, "augmentation", "max_memory")

    def build(self, config: LightClicksConfig, weights: str | Path | None = None) -> LightClicks:
        """A network; `weights` are those of its encoder, as for `build_encoder`."""
        from gfm.encoders.build import build_encoder
        from gfm.models.light_clicks.network import LightClicks

        network = LightClicks(config)
        if weights is not None:
            body = build_encoder(f"timm:{config.backbone}", weights).get_submodule("body")
            network.encoder.load_state_dict(body.state_dict())
        return network

    def predict(
        self,
        models: Sequence[MattingModel],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """The matte after the last click.

        A mask is the matte before the last click; without one the clicks are taken one by one, from
        nothing.
        """
        from gfm.models.light_clicks.graphs import engine_of
        from gfm.models.light_clicks.predict import correct, from_nothing

        del options
        engine, made = engine_of(models[0]), []
        for image, given in zip(images, guidance, strict=True):
            clicks = given.clicks or Clicks(image.shape[1], image.shape[0])
            state = engine.encode(image)
            if given.mask is None:
                made.append(Prediction(from_nothing(engine, state, clicks)))
            else:
                made.append(Prediction(correct(engine, state, clicks, given.mask)))
        return made

    def click_engine(self, models: Sequence[MattingModel]) -> ClickEngine:
        """Its networks, for sessions."""
        from gfm.models.light_clicks.graphs import engine_of

        return engine_of(models[0])

    def graph(self, network: LightClicks) -> Graph:
        """Inputs `image`, `maps` and `previous`; outputs the features and `logits`."""
        from gfm.models.light_clicks.exported import graph

        return graph(network)

    def task(self) -> type[LightClicksTask]:
        """`LightClicksTask`."""
        from gfm.models.light_clicks.task import LightClicksTask

        return LightClicksTask


SYSTEM = LightClicksSystem()
