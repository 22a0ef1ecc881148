"""AdaMatting behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.guidance import Guidance
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.network import AdaMatting
from gfm.models.contract import Conversion, Graph, Prediction, System
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError

if TYPE_CHECKING:
    from gfm.models.adamatting.task import AdaMattingTask


class AdaMattingSystem(System):
    """AdaMatting: corrects a trimap, and mattes by the corrected one."""

    name = "adamatting"
    config = AdaMattingConfig
    guidance = frozenset({"trimap", "mask"})
    needs_guidance = True
    refinable = True

    def build(self, config: AdaMattingConfig, weights: str | Path | None = None) -> AdaMatting:
        """A network; see `AdaMatting`."""
        return AdaMatting(config, weights)

    def predict(
        self,
        models: Sequence[Any],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Alpha and the adapted trimap."""
        from gfm.models.adamatting.predict import predict
        from gfm.models.backpropagation import refine_photograph

        made = []
        for image, given in zip(images, guidance, strict=True):
            trimap = given.trimap_of(image)
            made.append(predict(models[0], image, trimap))
            if options.backpropagate:
                alpha = refine_photograph(models[0], image, trimap, options.backpropagate)
                made[-1] = made[-1]._replace(alpha=alpha)
        return made

    def check_options(self, options: MatteOptions) -> None:
        """Refuse views, of which the paper has none, and a limit on memory too.

        Raises:
            InputError: An option without effect is set.
        """
        super().check_options(options)
        for name in ("augmentation", "max_memory"):
            if (value := getattr(options, name)) not in (None, "none"):
                raise InputError(
                    f"{name}={value!r} has no effect on a model of the system adamatting, which "
                    "sees a photograph once and as a whole; leave it out"
                )

    def task(self) -> type[AdaMattingTask]:
        """`AdaMattingTask`."""
        from gfm.models.adamatting.task import AdaMattingTask

        return AdaMattingTask

    def convert(self, path: Path, **variant: str) -> Conversion:
        """Read a checkpoint with the names of the house definition."""
        from gfm.models.adamatting.released import convert

        del variant
        return convert(path)

    def graph(self, network: AdaMatting) -> Graph:
        """Probabilities of the adapted trimap, and alpha before it has its say."""
        from gfm.models.adamatting.exported import graph

        return graph(network)


SYSTEM = AdaMattingSystem()
