"""Encoders that see the guidance as further channels of the image."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from gfm.encoders.build import Encoder, build_encoder
from rssn.imaging.errors import InputError


def guided_encoder(backbone: str, inputs: int, weights: str | Path | None = None) -> Encoder:
    """An encoder with levels at strides 2 to 32 that takes further channels beside RGB.

    Args:
        backbone: As for `gfm.encoders.build.build_encoder`.
        inputs: Channels that it takes, RGB first.
        weights: As for `gfm.encoders.build.build_encoder`; the further channels start at zero.

    Raises:
        InputError: An encoder with other levels.
    """
    encoder = build_encoder(backbone, weights)
    if len(encoder.channels) != 5:
        raise InputError(
            f"backbone='{backbone}' has {len(encoder.channels)} levels; choose an encoder with "
            "levels at strides 2, 4, 8, 16 and 32 (timm:resnet50, r34, timm:tf_efficientnet_lite0)"
        )
    add_input_channels(encoder, inputs - 3)
    return encoder


def add_input_channels(encoder: nn.Module, count: int) -> None:
    """Add input channels with weights of 0 to the convolutions that see the image."""
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            weight = module.weight
            more = weight.new_zeros(weight.shape[0], count, *weight.shape[2:])
            module.weight = nn.Parameter(torch.cat([weight.detach(), more], dim=1))
            module.in_channels += count
