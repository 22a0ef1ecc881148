"""Pyramid pooling and the decoder of FBA, for an encoder of any channels and strides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.convolutions import LogitConv2d, average_pool
from gfm.blocks.layers import Layers, standardised_layers
from gfm.blocks.modulation import Modulate, modulated

GRIDS = (1, 2, 3, 6)


@dataclass(frozen=True)
class Widths:
    """Channels inside the decoder.

    Attributes:
        pooled: After the projection of each grid of the pyramid.
        steps: After the convolutions at the stride of the coarsest level, then at that of each
            skip, coarsest first.
        head: After each convolution at full size but the last.
    """

    pooled: int = 256
    steps: tuple[int, ...] = (256, 256, 64)
    head: tuple[int, ...] = (32, 16)


class AveragePool(nn.Module):
    """Adaptive average pooling to a square grid, which exports with dynamic sizes."""

    def __init__(self, grid: int) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C, grid, grid)."""
        return average_pool(features, self.grid)


class Decoder(nn.Module):
    """Decoder of an encoder's levels, and of inputs at full size, to maps at full size.

    Args:
        channels: Of the encoder's levels, finest first.
        strides: Of the levels, likewise. Of several levels of a stride the last is taken.
        guide: Channels of what joins the last convolutions at full size.
        outputs: Channels of the result.
        widths: Channels inside.
        layers: Convolutions and norms inside, but at full size, which has plain convolutions.

    Note:
        A system with a second stream joins its features to the encoder's levels, and counts them
        among their channels: this has the result of joining them in the decoder.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        guide: int = 8,
        outputs: int = 7,
        widths: Widths | None = None,
        layers: Layers | None = None,
    ) -> None:
        super().__init__()
        widths, layers = widths or Widths(), layers or standardised_layers()
        self.skips = skip_levels(strides)
        steps_at = [strides[-1], *(strides[level] for level in self.skips)]
        self.powers = [stride.bit_length() - 1 for stride in steps_at]
        first, *steps = widths.steps
        self.ppm = nn.ModuleList(
            nn.Sequential(AveragePool(grid), *_convolution(channels[-1], widths.pooled, 1, layers))
            for grid in GRIDS
        )
        self.conv_up1 = nn.Sequential(
            *_convolution(channels[-1] + len(GRIDS) * widths.pooled, first, 3, layers),
            *_convolution(first, first, 3, layers),
        )
        inputs = first
        for number, (level, width) in enumerate(zip(self.skips, steps, strict=True), 2):
            step = _convolution(inputs + channels[level], width, 3, layers)
            self.add_module(f"conv_up{number}", nn.Sequential(*step))
            inputs = width
        head: list[nn.Module] = []
        inputs += guide
        for width in widths.head:
            head += [nn.Conv2d(inputs, width, 3, padding=1), nn.LeakyReLU()]
            inputs = width
        self.last = len(self.skips) + 2
        self.add_module(
            f"conv_up{self.last}", nn.Sequential(*head, LogitConv2d(inputs, outputs, 1))
        )

    def forward(
        self, levels: Sequence[Tensor], guide: Tensor, modulate: Modulate | None = None
    ) -> Tensor:
        """Decode.

        Args:
            levels: Of the encoder, finest first.
            guide: What is known at full size, (B, guide, H, W).
            modulate: Changes the features behind each step: see `gfm.models.backpropagation`.

        Returns:
            (B, outputs, H, W), without an activation.
        """
        features = modulated(modulate, self.powers[0], self.conv_up1(self.pyramid(levels[-1])))
        for number, level in enumerate(self.skips, 2):
            joined = torch.cat([enlarge(features, levels[level]), levels[level]], dim=1)
            features = self.get_submodule(f"conv_up{number}")(joined)
            features = modulated(modulate, self.powers[number - 1], features)
        joined = torch.cat([enlarge(features, guide), guide], dim=1)
        result: Tensor = self.get_submodule(f"conv_up{self.last}")(joined)
        return result

    def pyramid(self, coarsest: Tensor) -> Tensor:
        """The coarsest level (B, C, h, w), joined by its averages over each grid."""
        pooled = [enlarge(project(coarsest), coarsest) for project in self.ppm]
        return torch.cat([coarsest, *pooled], dim=1)


def skip_levels(strides: Sequence[int]) -> tuple[int, ...]:
    """Indices of the levels that the decoder takes besides the coarsest, coarsest first."""
    last = {stride: index for index, stride in enumerate(strides) if stride < strides[-1]}
    return tuple(last[stride] for stride in sorted(last, reverse=True))


def enlarge(features: Tensor, like: Tensor) -> Tensor:
    """Bilinear enlargement to the size of another map, half-pixel centres."""
    size = like.shape[-2:]
    return functional.interpolate(features, size, mode="bilinear", align_corners=False)


def _convolution(inputs: int, outputs: int, size: int, layers: Layers) -> list[nn.Module]:
    """A convolution that keeps the size, a norm, and a leaky ReLU of slope 0.01."""
    conv = layers.conv(inputs, outputs, size, padding=size // 2)
    return [conv, layers.norm(outputs), nn.LeakyReLU()]
