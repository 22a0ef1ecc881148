"""The light guided network behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.guidance import Guidance
from gfm.models.contract import Graph, MattingModel, Prediction, System
from gfm.models.guided.config import GuidedConfig
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError

if TYPE_CHECKING:
    from gfm.models.guided.network import Guided
    from gfm.models.guided.task import GuidedTask

VIEWS = {None: 1, "none": 1, "flip": 2, "full": 3}  # by augmentation
CLASSES = np.zeros(256, np.uint8)  # of `Prediction.trimap`, by the levels of a trimap
CLASSES[128], CLASSES[255] = 1, 2


class GuidedSystem(System):
    """Alpha, F and B from a photograph with a trimap or a coarse mask, by a light network."""

    name = "guided"
    config = GuidedConfig
    guidance = frozenset({"trimap", "mask"})
    needs_guidance = True

    def build(self, config: GuidedConfig, weights: str | Path | None = None) -> Guided:
        """A network; `weights` are those of its encoder, as for `build_encoder`."""
        from gfm.models.guided.network import Guided

        return Guided(config, weights)

    def predict(
        self,
        models: Sequence[MattingModel],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Alpha, F and B; a mask becomes a trimap."""
        return [
            self._predict(models[0], image, given, options)
            for image, given in zip(images, guidance, strict=True)
        ]

    def check_options(self, options: MatteOptions) -> None:
        """Refuse options without effect."""
        super().check_options(options)
        if options.augmentation not in VIEWS:
            raise InputError(
                f"augmentation={options.augmentation!r} has no effect on a model of the system "
                f"{self.name}; choose 'none', 'flip' or 'full'"
            )

    def _predict(
        self,
        network: MattingModel,
        image: NDArray[np.uint8],
        given: Guidance,
        options: MatteOptions,
    ) -> Prediction:
        from gfm.models.guided.planning import tile_side
        from gfm.models.guided.predict import predict

        trimap = given.trimap_of(image)
        tile = tile_side(network, trimap.shape[0], trimap.shape[1], options.memory_limit)
        made = predict(network, image, trimap, tile, VIEWS[options.augmentation])
        return Prediction(*made, CLASSES[trimap])

    def task(self) -> type[GuidedTask]:
        """`GuidedTask`."""
        from gfm.models.guided.task import GuidedTask

        return GuidedTask

    def graph(self, network: Guided) -> Graph:
        """The network for sizes that are multiples of 32."""
        from gfm.models.guided.exported import graph

        return graph(network)


SYSTEM = GuidedSystem()
