"""ResNet encoders (He et al. 2016), with the names and the arithmetic of timm's.

Importing timm loads a thousand models, torchvision and torch's compiler: half of the time that a
process needs for its first matte. The encoders that most model files have do without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from gfm.blocks.layers import PLAIN, Layers


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        dilation: int = 1,
        layers: Layers = PLAIN,
    ) -> None:
        super().__init__()
        conv, norm = layers
        self.conv1 = conv(inputs, width, 3, stride, dilation, dilation, bias=False)
        self.bn1 = norm(width)
        self.conv2 = conv(width, width, 3, 1, dilation, dilation, bias=False)
        self.bn2 = norm(width)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, width, H / stride, W / stride)."""
        y = torch.relu_(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return torch.relu_(y)


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, beside a shortcut."""

    expansion = 4

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        dilation: int = 1,
        layers: Layers = PLAIN,
    ) -> None:
        super().__init__()
        conv, norm = layers
        outputs = width * self.expansion
        self.conv1 = conv(inputs, width, 1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = conv(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = norm(width)
        self.conv3 = conv(width, outputs, 1, bias=False)
        self.bn3 = norm(outputs)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, 4 width, H / stride, W / stride)."""
        y = torch.relu_(self.bn1(self.conv1(x)))
        y = torch.relu_(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return torch.relu_(y)


Block = type[BasicBlock] | type[Bottleneck]


@dataclass(frozen=True)
class Shape:
    """One ResNet.

    Attributes:
        blocks: Kind of the blocks of each stage.
        depths: Number of blocks of each stage.
        widths: Channels of each stage, before the expansion of its blocks.
        deep: Channels inside a stem of three convolutions; None is the stem of one 7x7 convolution.
        averaged: Shortcuts beside a deep stem average before they project.
    """

    blocks: tuple[Block, Block, Block, Block]
    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    deep: int | None = None
    averaged: bool = True


_BASIC: tuple[Block, Block, Block, Block] = (BasicBlock,) * 4
_DEEP: tuple[Block, Block, Block, Block] = (Bottleneck,) * 4
SHAPES = {
    "resnet18": Shape(_BASIC, (2, 2, 2, 2)),
    "resnet34": Shape(_BASIC, (3, 4, 6, 3)),
    "resnet50": Shape(_DEEP, (3, 4, 6, 3)),
    "resnet50d": Shape(_DEEP, (3, 4, 6, 3), deep=32),
    "resnet101": Shape(_DEEP, (3, 4, 23, 3)),
    "test_resnet": Shape(
        (BasicBlock, BasicBlock, Bottleneck, BasicBlock), (1, 1, 1, 1), (32, 48, 48, 96), deep=16
    ),
}


class ResNet(nn.Module):
    """The feature maps of a ResNet.

    Args:
        shape: Which.
        dilated: Keep the size after the second stage: the last two dilate their 3x3 convolutions by
            2 and 4 in place of their strides, each from its second block on.
        layers: Kinds of its convolutions and norms.

    Attributes:
        channels: Of each map, finest first.
        strides: Of each map, likewise.
    """

    def __init__(self, shape: Shape, dilated: bool = False, layers: Layers = PLAIN) -> None:
        super().__init__()
        width = 64 if shape.deep is None else 2 * shape.deep
        self.conv1 = _stem(width, shape.deep, layers)
        self.bn1 = layers.norm(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels, strides, dilation = [width], [2], 1
        averaged = shape.deep is not None and shape.averaged
        stages = zip(shape.blocks, shape.depths, shape.widths, strict=True)
        for number, (block, depth, inner) in enumerate(stages, 1):
            widens = number > 1
            stride = 2 if widens and not (dilated and number > 2) else 1
            before, dilation = dilation, 2 * dilation if dilated and number > 2 else 1
            blocks = []
            for index in range(depth):
                first, outputs = index == 0, inner * block.expansion
                step = stride if first else 1
                shortcut = None
                if first and (widens or width != outputs):
                    shortcut = _projection(width, outputs, step, averaged, layers)
                spread = before if first else dilation
                blocks.append(block(width, inner, step, shortcut, spread, layers))
                width = outputs
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            channels.append(width)
            strides.append(4 if number == 1 else strides[-1] * stride)
        self.channels, self.strides = tuple(channels), tuple(strides)
        self._start()

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode (B, 3, H, W) to five maps, finest first."""
        levels = [torch.relu_(self.bn1(self.conv1(image)))]
        features = self.maxpool(levels[0])
        for number in range(1, 5):
            features = self.stage(number)(features)
            levels.append(features)
        return levels

    def stage(self, number: int) -> nn.Sequential:
        """The blocks of a stage, from 1 to 4."""
        return cast(nn.Sequential, self.get_submodule(f"layer{number}"))

    def _start(self) -> None:
        """Random values as timm draws them: the blocks begin as their shortcuts."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock | Bottleneck):
                last = module.bn2 if isinstance(module, BasicBlock) else module.bn3
                nn.init.zeros_(cast(Tensor, last.weight))


def _stem(width: int, deep: int | None, layers: Layers) -> nn.Module:
    """The first convolution, or three that take its place."""
    conv, norm = layers
    if deep is None:
        return conv(3, width, 7, 2, padding=3, bias=False)
    return nn.Sequential(
        conv(3, deep, 3, 2, padding=1, bias=False),
        norm(deep),
        nn.ReLU(inplace=True),
        conv(deep, deep, 3, padding=1, bias=False),
        norm(deep),
        nn.ReLU(inplace=True),
        conv(deep, width, 3, padding=1, bias=False),
    )


def _projection(
    inputs: int, outputs: int, stride: int, averaged: bool, layers: Layers
) -> nn.Sequential:
    """The shortcut of a block that changes channels or size."""
    conv, norm = layers
    if not averaged:
        return nn.Sequential(conv(inputs, outputs, 1, stride, bias=False), norm(outputs))
    pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(
        nn.Identity() if stride == 1 else pool,
        conv(inputs, outputs, 1, bias=False),
        norm(outputs),
    )
