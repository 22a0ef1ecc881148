"""Guided filter whose guide a small network learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rssn.imaging.errors import InputError


def guided_filter(guide: Tensor, target: Tensor, radius: int = 2, eps: float = 1e-8) -> Tensor:
    """Guided filter (He et al., 2010): in each window the output is linear in the guide.

    Computed in float64: with an eps below the rounding of float32, the variance of a flat window
    would have any sign.

    Args:
        guide: Guide (B, 1, H, W), both sides longer than the window.
        target: What is filtered, of the same shape.
        radius: Radius of the square window in px.
        eps: Added to the variance of the guide.

    Returns:
        The filtered map (B, 1, H, W), of the target's type; not clamped.

    Raises:
        InputError: Shapes that differ, or a side that is not longer than the window.
    """
    window = 2 * radius + 1
    if guide.shape != target.shape:
        raise InputError(f"target has shape {tuple(target.shape)}; wanted {tuple(guide.shape)}")
    if min(guide.shape[-2:]) <= window:
        raise InputError(
            f"guide has shape {tuple(guide.shape)}; both sides have to be longer than the window "
            f"of {window} px"
        )

    def mean(values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, window, 1, radius, count_include_pad=False)

    with torch.autocast(guide.device.type, enabled=False):
        g, p = guide.double(), target.double()
        mean_g, mean_p = mean(g), mean(p)
        slope = (mean(g * p) - mean_g * mean_p) / (mean(g * g) - mean_g.square() + eps)
        offset = mean_p - slope * mean_g
        return (mean(slope) * g + mean(offset)).to(target.dtype)


class LearnedGuidedFilter(nn.Module):
    """Guided filter along a guide that two 1x1 convolutions make of given channels.

    Source: Wu et al., 2018; Forte's thesis, section 3.2.1.

    Args:
        channels: Number of channels that the guide is made of.
        width: Number of channels between the convolutions.
    """

    def __init__(self, channels: int, width: int = 64) -> None:
        super().__init__()
        self.expand = nn.Conv2d(channels, width, 1)
        self.reduce = nn.Conv2d(width, 1, 1)

    def guide(self, features: Tensor) -> Tensor:
        """The guide (B, 1, H, W) from features (B, channels, H, W)."""
        guide: Tensor = self.reduce(torch.relu(self.expand(features)))
        return guide

    def forward(self, alpha: Tensor, features: Tensor) -> Tensor:
        """The matte (B, 1, H, W) filtered along the guide of the features, in [0, 1]."""
        return guided_filter(self.guide(features), alpha).clamp(0, 1)
