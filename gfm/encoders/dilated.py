"""Dilated ResNet-50s with any number of input channels (FBA matting, section 3.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gfm.blocks.layers import standardised_layers
from gfm.blocks.standardisation import Standardisation
from gfm.encoders.resnet import SHAPES, ResNet

Norm = Literal["group", "batch"]


def dilated_resnet50(
    inputs: int, norm: Norm = "group", standardisation: Standardisation = "2020"
) -> ResNet:
    """A ResNet-50 with maps at strides 2, 4, 8, 8 and 8.

    Args:
        inputs: Channels of the image and what is joined to it.
        norm: `group`, with weight standardisation; or `batch`, without it and with a stem of three
            convolutions, as in the ablation.
        standardisation: Form of the weight standardisation.
    """
    shape = SHAPES["resnet50"]
    if norm == "batch":
        return ResNet(replace(shape, deep=64, averaged=False), inputs, dilated=True)
    return ResNet(shape, inputs, dilated=True, layers=standardised_layers(standardisation))
