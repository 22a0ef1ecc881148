"""Kinds of convolutions and norms that a network is built of."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from gfm.blocks.standardisation import (
    HeadStandardisedConv2d,
    Standardisation,
    StandardisedConv2d,
)

GROUPS = 32


class Layers(NamedTuple):
    """Kinds of convolutions and norms.

    Attributes:
        conv: `nn.Conv2d`, or a kind of it.
        norm: Makes a norm for a number of channels.
    """

    conv: type[nn.Conv2d] = nn.Conv2d
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d


PLAIN = Layers()


def group_norm(channels: int) -> nn.GroupNorm:
    """A norm of 32 groups.

    Note:
        FBA's paper has 32 channels in a group; its released network, 32 groups.
    """
    return nn.GroupNorm(GROUPS, channels)


def standardised_layers(form: Standardisation = "2020", batch_norm: bool = False) -> Layers:
    """Weight-standardised convolutions with group norm, or with batch norm."""
    conv = StandardisedConv2d if form == "2020" else HeadStandardisedConv2d
    return Layers(conv, nn.BatchNorm2d if batch_norm else group_norm)
