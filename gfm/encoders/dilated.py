"""Dilated ResNet-50s with any number of input channels (FBA matting, section 3.1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from gfm.blocks.layers import standardised_layers
from gfm.blocks.standardisation import Standardisation
from gfm.encoders.guided import add_input_channels
from gfm.encoders.resnet import SHAPES, ResNet
from gfm.encoders.weights import load_encoder_weights

Norm = Literal["group", "batch"]


def dilated_resnet50(
    inputs: int,
    norm: Norm = "group",
    standardisation: Standardisation = "2020",
    weights: str | Path | None = None,
) -> ResNet:
    """A ResNet-50 with maps at strides 2, 4, 8, 8 and 8.

    Args:
        inputs: Channels that it takes, RGB first; the weights of the others start at 0.
        norm: `group`, with weight standardisation; or `batch`, without it and with a stem of three
            convolutions, as in the ablation.
        standardisation: Form of the weight standardisation.
        weights: File of a network of this kind that was trained on ImageNet. None starts from
            random values.

    Raises:
        InputError: The file cannot be read or does not fit.
    """
    shape = SHAPES["resnet50"]
    if norm == "batch":
        body = ResNet(replace(shape, deep=64, averaged=False), dilated=True)
    else:
        body = ResNet(shape, dilated=True, layers=standardised_layers(standardisation))
    if weights is not None:
        load_encoder_weights(body, Path(weights))
    add_input_channels(body, inputs - 3)
    return body
