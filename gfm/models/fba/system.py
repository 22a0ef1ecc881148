"""FBA behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gfm.blocks.standardisation import Standardisation
from gfm.guidance.guidance import Guidance
from gfm.models.contract import Conversion, Graph, MattingModel, Prediction, System
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from gfm.models.images import as_levels
from gfm.models.options import Augmentation, MatteOptions
from rssn.imaging.errors import InputError, check_choice

if TYPE_CHECKING:
    from gfm.models.fba.predict import View
    from gfm.models.fba.task import FBATask

CLASSES = np.zeros(256, np.uint8)
CLASSES[1:255], CLASSES[255] = 1, 2


class FBAMatting(System):
    """FBA matting: alpha, foreground and background from a photograph and a trimap."""

    name = "fba"
    config = FBAConfig
    guidance = frozenset({"trimap", "mask"})
    needs_guidance = True
    refinable = True
    convert_options = ("variant",)

    def build(self, config: FBAConfig, weights: str | Path | None = None) -> FBA:
        """A network; see `FBA`."""
        return FBA(config, weights)

    def predict(
        self,
        models: Sequence[MattingModel],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Alpha, F and B of each photograph."""
        from gfm.models.backpropagation import refine_photograph
        from gfm.models.fba.planning import check_memory

        (network,) = models
        views = _views(options.augmentation)
        largest = max(view.scale for view in views) ** 2
        made = []
        for image, given in zip(images, guidance, strict=True):
            pixels = round(image.shape[0] * image.shape[1] * largest)
            check_memory(network.config, network.device, pixels, options.memory_limit)
            trimap = given.trimap_of(image)
            made.append(_predict(network, image, trimap, views))
            if options.backpropagate and isinstance(network, FBA):
                alpha = refine_photograph(network, image, trimap, options.backpropagate)
                made[-1] = made[-1]._replace(alpha=alpha)
        return made

    def task(self) -> type[FBATask]:
        """`FBATask`."""
        from gfm.models.fba.task import FBATask

        return FBATask

    def convert(self, path: Path, **options: str) -> Conversion:
        """Read a checkpoint of the released code, in the form of `2020` or of `head`."""
        from gfm.models.fba.released import convert

        variant = options.get("variant", "2020")
        check_choice("variant", variant, get_args(Standardisation))
        return Conversion(convert(path, cast(Standardisation, variant)))

    def graph(self, network: FBA) -> Graph:
        """Inputs `image`, `trimap` and `distances`; outputs `alpha`, `foreground`, `background`."""
        from gfm.models.fba.exported import graph

        return graph(network)


def _views(augmentation: Augmentation | None) -> Sequence[View]:
    from gfm.models.fba.predict import AUGMENTED, PLAIN, View

    if augmentation == "glance":
        raise InputError(
            "augmentation='glance' is for GFM, which has a glance; choose 'none', 'flip' or 'full'"
        )
    if augmentation == "flip":
        return (View(), View(mirrored=True))
    return AUGMENTED if augmentation == "full" else PLAIN


def _predict(
    network: MattingModel,
    image: NDArray[np.uint8],
    trimap: NDArray[np.uint8],
    views: Sequence[View],
) -> Prediction:
    from gfm.models.fba.predict import predict

    alpha, foreground, background = predict(network, image, trimap, views=views)
    return Prediction(alpha, as_levels(foreground), as_levels(background), CLASSES[trimap])


SYSTEM = FBAMatting()
