"""Kinds of layers of FBA's networks (paper, section 3.2)."""

from __future__ import annotations

from torch import nn

from gfm.encoders.resnet import Layers
from gfm.models.fba.standardisation import (
    HeadStandardisedConv2d,
    Standardisation,
    StandardisedConv2d,
)

GROUPS = 32


def group_norm(channels: int) -> nn.GroupNorm:
    """A norm of 32 groups.

    Note:
        The paper has 32 channels in a group; the released network, 32 groups.
    """
    return nn.GroupNorm(GROUPS, channels)


def standardised_layers(form: Standardisation = "2020", batch_norm: bool = False) -> Layers:
    """Weight-standardised convolutions with group norm, or with batch norm."""
    conv = StandardisedConv2d if form == "2020" else HeadStandardisedConv2d
    return Layers(conv, nn.BatchNorm2d if batch_norm else group_norm)
