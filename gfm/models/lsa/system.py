"""LSA matting behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.guidance import Guidance
from gfm.models.contract import Conversion, Graph, MattingModel, Prediction, System
from gfm.models.lsa.config import LSAConfig
from gfm.models.lsa.network import LSA
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError

if TYPE_CHECKING:
    from gfm.models.lsa.predict import Views
    from gfm.models.lsa.task import LSATask

VIEWS: dict[str | None, Views] = {None: 1, "none": 1, "flip": 8, "full": 24}


class LSAMatting(System):
    """LSA matting: alpha from a photograph and its trimap.

    Of the augmentations `flip` averages eight turned and mirrored views, `full` those at three
    sizes.
    """

    name = "lsa"
    config = LSAConfig
    guidance = frozenset({"trimap", "mask"})
    needs_guidance = True
    refinable = True

    def build(self, config: LSAConfig, weights: str | Path | None = None) -> LSA:
        """A network; see `LSA`."""
        return LSA(config, weights)

    def predict(
        self,
        models: Sequence[MattingModel],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Alpha, beside the trimap that it was given."""
        from gfm.models.backpropagation import LARGEST, TILE, RefinementOptions
        from gfm.models.lsa.predict import PredictOptions, predict

        steps = options.backpropagate
        refinement = RefinementOptions(steps) if steps else None
        made = []
        for image, given in zip(images, guidance, strict=True):
            trimap = given.trimap_of(image)
            tile = TILE if max(trimap.shape) > LARGEST else None
            how = PredictOptions(VIEWS[options.augmentation], refinement, tile)
            alpha = predict(models[0], image, trimap, how)
            classes = np.digitize(trimap, (64, 192)).astype(np.uint8)
            made.append(Prediction(alpha, trimap=classes))
        return made

    def check_options(self, options: MatteOptions) -> None:
        """Refuse options of GFM.

        Raises:
            InputError: Such an option is set.
        """
        super().check_options(options)
        if options.augmentation == "glance":
            raise InputError(
                "augmentation='glance' has no effect on a model of the system lsa; choose 'none', "
                "'flip' (8 views) or 'full' (24)"
            )
        if options.max_memory is not None:
            raise InputError(
                "max_memory= has no effect on a model of the system lsa, which sees a photograph "
                "at once; leave it out"
            )

    def task(self) -> type[LSATask]:
        """`LSATask`."""
        from gfm.models.lsa.task import LSATask

        return LSATask

    def convert(self, path: Path, **variant: Any) -> Conversion:  # noqa: ANN401 - it has no variants
        """Read the released checkpoint."""
        from gfm.models.lsa.released import convert

        del variant
        return Conversion(convert(path))

    def graph(self, network: LSA) -> Graph:
        """Inputs `image` and `trimap`, output `alpha`, which may leave [0, 1]."""
        from gfm.models.lsa.exported import graph

        return graph(network)


SYSTEM = LSAMatting()
