"""Interactive segmentation behind the contract of a system."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.models.clicks.config import DILATED, ClicksConfig
from gfm.models.clicks.network import ClickNetwork
from gfm.models.contract import Conversion, Prediction, System
from gfm.models.options import MatteOptions

if TYPE_CHECKING:
    from gfm.models.clicks.task import ClicksTask


class InteractiveSegmentation(System):
    """Interactive segmentation: from clicks, and the matte that they correct."""

    name = "clicks"
    config = ClicksConfig
    guidance = frozenset({"clicks", "mask"})
    needs_guidance = True
    corrects_matte = True
    convert_options = ("variant",)
    without_effect = (*System.without_effect, "augmentation", "max_memory")

    def build(self, config: ClicksConfig, weights: str | Path | None = None) -> ClickNetwork:
        """A network; see `ClickNetwork`."""
        return ClickNetwork(config, weights)

    def skeleton(self, config: ClicksConfig) -> ClickNetwork:
        """A network on the meta device, since random values would take a second to draw."""
        with torch.device("meta" if config.backbone == DILATED else "cpu"):
            return ClickNetwork(config)

    def predict(
        self,
        models: Sequence[ClickNetwork],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """The matte after the last click.

        A mask is the matte before the last click; without one the clicks are taken one by one, from
        nothing.
        """
        from gfm.models.clicks.predict import segment, segment_session

        made = []
        for image, given in zip(images, guidance, strict=True):
            clicks = given.clicks or Clicks(image.shape[1], image.shape[0])
            if given.mask is None:
                made.append(Prediction(segment_session(models[0], image, clicks)))
            else:
                made.append(Prediction(segment(models[0], image, clicks, given.mask)))
        return made

    def task(self) -> type[ClicksTask]:
        """`ClicksTask`."""
        from gfm.models.clicks.task import ClicksTask

        return ClicksTask

    def convert(self, path: Path, **variant: Any) -> Conversion:  # noqa: ANN401
        """Read a checkpoint of the released code; `variant` is `stream` or `no_stream`."""
        from gfm.models.clicks.released import convert

        return Conversion(convert(path, **variant))


SYSTEM = InteractiveSegmentation()
