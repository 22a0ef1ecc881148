"""iMatting behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.guidance import Guidance
from gfm.models.contract import Conversion, Graph, Prediction, System
from gfm.models.fba.config import FBAConfig
from gfm.models.images import as_levels
from gfm.models.imatting.network import IMatting
from gfm.models.options import MatteOptions

if TYPE_CHECKING:
    from gfm.models.imatting.task import IMattingTask


class InteractiveMatting(System):
    """iMatting: alpha, foreground and background from clicks, a trimap or a mask."""

    name = "imatting"
    config = FBAConfig
    guidance = frozenset({"clicks", "trimap", "mask"})
    needs_guidance = True
    convert_options = ("variant",)
    without_effect = (*System.without_effect, "augmentation", "max_memory")

    def build(self, config: FBAConfig, weights: str | Path | None = None) -> IMatting:
        """A network; see `IMatting`."""
        return IMatting(config, weights)

    def predict(
        self,
        models: Sequence[IMatting],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Alpha, F and B of each photograph; a mask counts where there is no trimap."""
        from gfm.models.imatting.predict import matte

        made = []
        for image, given in zip(images, guidance, strict=True):
            marked = given.trimap is not None or given.mask is not None
            trimap = given.trimap_of(image) if marked else None
            layers = matte(models[0], image, given.clicks, trimap)
            colours = as_levels(layers.foreground), as_levels(layers.background)
            made.append(Prediction(layers.alpha, *colours))
        return made

    def task(self) -> type[IMattingTask]:
        """`IMattingTask`."""
        from gfm.models.imatting.task import IMattingTask

        return IMattingTask

    def convert(self, path: Path, **variant: Any) -> Conversion:  # noqa: ANN401
        """Read a checkpoint of FBA, from which iMatting is trained; its own was never released."""
        from gfm.models.fba.released import convert

        started = convert(path, **variant)
        network = IMatting(started.config)
        network.load_state_dict(started.state_dict())
        network.licences = started.licences
        return Conversion(network.eval())

    def graph(self, network: IMatting) -> Graph:
        """FBA's graph, whose maps are those of the clicks and the trimap."""
        from gfm.models.fba.exported import graph

        return graph(network)


SYSTEM = InteractiveMatting()
