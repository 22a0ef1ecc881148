"""The pieces that both decoders are built from; each takes channels, none knows a backbone."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.depthwise import DepthwiseConv2d
from gfm.blocks.precision import wide


def conv_bn_relu(
    inputs: int, outputs: int, dilation: int = 1, separable: bool = False
) -> list[nn.Module]:
    """A 3x3 convolution that keeps the size, batch norm and ReLU.

    Args:
        inputs: Channels before.
        outputs: Channels after.
        dilation: Distance between the 3x3 places.
        separable: In two parts, 3x3 on each channel and then 1x1 over the channels: about a ninth
            of the work.
    """
    if not separable:
        convolution = [nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)]
    else:
        convolution = [
            DepthwiseConv2d(inputs, 3, dilation=dilation),
            nn.Conv2d(inputs, outputs, 1, bias=False),
        ]
    return [*convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def upsample(factor: int) -> list[nn.Module]:
    """Bilinear enlargement by a whole factor, half-pixel centres; nothing for factor 1."""
    if factor == 1:
        return []
    return [nn.Upsample(scale_factor=factor, mode="bilinear", align_corners=False)]


def decoder_block(
    inputs: int, widths: tuple[int, ...], factor: int, separable: bool = False
) -> nn.Sequential:
    """A decoder block: convolutions with norm and ReLU, then an enlargement.

    Args:
        inputs: Channels of the concatenated input.
        widths: Channels after each of the convolutions; the paper has three.
        factor: Enlargement at the end.
        separable: Convolutions in two parts.
    """
    return nn.Sequential(*_convolutions(inputs, widths, separable), *upsample(factor))


def head(
    inputs: int, widths: tuple[int, ...], outputs: int, factor: int, separable: bool = False
) -> nn.Sequential:
    """The last layers of a decoder: convolutions with norm and ReLU, then that of the logits."""
    layers = _convolutions(inputs, widths, separable)
    last = LogitConv2d((inputs, *widths)[-1], outputs, 3, padding=1)
    return nn.Sequential(*layers, last, *upsample(factor))


def bridge_block(inputs: int, width: int, separable: bool = False) -> nn.Sequential:
    """The bridge block (paper, section 3.3): three dilated convolutions with norm and ReLU."""
    return nn.Sequential(*_convolutions(inputs, (width, width, width), separable, dilation=2))


def _convolutions(
    inputs: int, widths: tuple[int, ...], separable: bool, dilation: int = 1
) -> list[nn.Module]:
    """Convolutions with norm and ReLU, one to each of the widths."""
    return [
        layer
        for before, after in pairwise((inputs, *widths))
        for layer in conv_bn_relu(before, after, dilation, separable)
    ]


class LogitConv2d(nn.Conv2d):
    """A convolution whose result is float32, so that all that follows computes in float32."""

    def forward(self, input: Tensor) -> Tensor:
        """Logits of features (B, C, H, W) in any floating type."""
        return wide(super().forward(input))


class PyramidPooling(nn.Module):
    """Pyramid pooling (paper, section 3.2): the whole image averaged to 1x1, 3x3 and 5x5 cells.

    Args:
        inputs: Channels of the deepest encoder level.
        width: Channels of the result.
        grids: Cells along each side.
    """

    def __init__(self, inputs: int, width: int, grids: tuple[int, ...] = (1, 3, 5)) -> None:
        super().__init__()
        self.grids = grids
        self.projections = nn.ModuleList(nn.Conv2d(inputs, inputs, 1, bias=False) for _ in grids)
        self.bottleneck = nn.Conv2d(inputs * (len(grids) + 1), width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Pool (B, C, h, w) and return (B, width, h, w) that knows of the whole image."""
        pooled = [
            functional.interpolate(
                projection(average_pool(features, grid)),
                size=features.shape[-2:],
                mode="bilinear",
                align_corners=True,
            )
            for grid, projection in zip(self.grids, self.projections, strict=True)
        ]
        return functional.relu(self.bottleneck(torch.cat([*pooled, features], dim=1)))


def average_pool(features: Tensor, grid: int) -> Tensor:
    """Adaptive average pooling of (B, C, h, w) to (B, C, grid, grid) as two matrix products.

    Note:
        Equal to `adaptive_avg_pool2d`, whose export with dynamic sizes gives wrong values at other
        sizes without an error.
    """
    rows = _pooling_matrix(features.shape[-2], grid, features)
    columns = _pooling_matrix(features.shape[-1], grid, features)
    return rows @ features @ columns.transpose(0, 1)


def _pooling_matrix(size: int, grid: int, like: Tensor) -> Tensor:
    """The (grid, size) matrix whose row i averages floor(i n / g) up to ceil((i + 1) n / g)."""
    cell = torch.arange(grid, device=like.device).unsqueeze(1)
    position = torch.arange(size, device=like.device).unsqueeze(0)
    inside = (position >= cell * size // grid) & (position < ((cell + 1) * size + grid - 1) // grid)
    weights = inside.to(like.dtype)
    return weights / weights.sum(dim=1, keepdim=True)
