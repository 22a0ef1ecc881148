"""GFM behind the contract of a system."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.guidance import Guidance
from gfm.models.contract import Conversion, Graph, MattingModel, Prediction, System
from gfm.models.glance_focus.config import GFMConfig, Rosta
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError, check_choice

if TYPE_CHECKING:
    from gfm.models.glance_focus.network import GFM
    from gfm.models.glance_focus.task import GFMTask


class GlanceFocus(System):
    """Glance and Focus Matting: from a photograph alone."""

    name = "glance_focus"
    config = GFMConfig
    convert_options = ("backbone", "rosta")

    def build(self, config: GFMConfig, weights: str | Path | None = None) -> GFM:
        """A network; see `GFM`."""
        from gfm.models.glance_focus.network import GFM

        return GFM(config, weights)

    def skeleton(self, config: GFMConfig) -> GFM:
        """A network on the meta device, since random values would take a second to draw.

        Encoders of timm may compute some of their values, and so begin with all of them.
        """
        import torch

        from gfm.models.glance_focus.network import GFM

        with torch.device("cpu" if config.backbone.startswith("timm:") else "meta"):
            return GFM(config)

    def predict(
        self,
        models: Sequence[MattingModel],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Alpha and the glance; of several networks the median (paper, section 5.5.1)."""
        from gfm.models.glance_focus import predict

        del guidance
        return predict.predict(images, models, options)

    def clip_predictor(
        self,
        models: Sequence[MattingModel],
        options: MatteOptions,
        height: int,
        width: int,
        smoothing: float,
    ) -> Callable[[NDArray[np.uint8]], Prediction]:
        """Maps of each frame, steadied by those of earlier frames."""
        from gfm.models.glance_focus.predict import clip_predictor

        return clip_predictor(models, options, height, width, smoothing)

    def batch_key(
        self, models: Sequence[MattingModel], height: int, width: int, options: MatteOptions
    ) -> Hashable:
        """The sizes of all passes; none with a limit on memory."""
        from gfm.models.glance_focus.options import pass_options
        from gfm.models.glance_focus.passes import sizes_of_passes

        if options.max_memory is not None:
            return None
        return sizes_of_passes(height, width, pass_options(options, models, height, width))

    def wants_refinement(self, models: Sequence[MattingModel]) -> bool:
        """A network that looks at small pictures leaves strands to a guided model."""
        return models[0].config.focus_side is not None

    def check_options(self, options: MatteOptions) -> None:
        """All options have effect."""

    def check_models(self, models: Sequence[MattingModel]) -> None:
        """Any number of networks, of which the median is taken."""

    def task(self) -> type[GFMTask]:
        """`GFMTask`."""
        from gfm.models.glance_focus.task import GFMTask

        return GFMTask

    def convert(self, path: Path, **options: str) -> Conversion:
        """Read a checkpoint of the released code, by its encoder and representation."""
        from gfm.models.glance_focus.released import RELEASED_BACKBONES, convert

        backbone, rosta = options.get("backbone"), options.get("rosta")
        if backbone is None or rosta is None:
            raise InputError(
                "a released GFM checkpoint does not name its variant; give --backbone "
                f"{'|'.join(RELEASED_BACKBONES)} and --rosta {'|'.join(get_args(Rosta))}"
            )
        check_choice("rosta", rosta, get_args(Rosta))
        return convert(path, backbone, cast(Rosta, rosta))

    def graph(self, network: GFM) -> Graph:
        """Glance, focus and alpha; of RIM also those of each part."""
        from gfm.models.glance_focus.exported import graph

        return graph(network)


SYSTEM = GlanceFocus()
