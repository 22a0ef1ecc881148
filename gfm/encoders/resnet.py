"""ResNet encoders (He et al. 2016), with the names and the arithmetic of timm's.

Importing timm loads a thousand models, torchvision and torch's compiler: half of the time that a
process needs for its first matte. The encoders that most model files have do without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(
        self, inputs: int, width: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
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
        self, inputs: int, width: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
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
        deep: Channels inside a stem of three convolutions, whose shortcuts average before they
            project; None is the stem of one 7x7 convolution.
    """

    blocks: tuple[Block, Block, Block, Block]
    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    deep: int | None = None


_BASIC: tuple[Block, Block, Block, Block] = (BasicBlock,) * 4
_DEEP: tuple[Block, Block, Block, Block] = (Bottleneck,) * 4
SHAPES = {
    "resnet18": Shape(_BASIC, (2, 2, 2, 2)),
    "resnet34": Shape(_BASIC, (3, 4, 6, 3)),
    "resnet50": Shape(_DEEP, (3, 4, 6, 3)),
    "resnet101": Shape(_DEEP, (3, 4, 23, 3)),
    "test_resnet": Shape(
        (BasicBlock, BasicBlock, Bottleneck, BasicBlock), (1, 1, 1, 1), (32, 48, 48, 96), deep=16
    ),
}


class ResNet(nn.Module):
    """The feature maps of a ResNet at strides 2 to 32.

    Args:
        shape: Which.

    Attributes:
        channels: Of each map, finest first.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        inner, inputs = shape.deep, 64 if shape.deep is None else 2 * shape.deep
        self.conv1: nn.Module = nn.Conv2d(3, inputs, 7, 2, padding=3, bias=False)
        if inner is not None:
            self.conv1 = nn.Sequential(
                nn.Conv2d(3, inner, 3, 2, padding=1, bias=False),
                nn.BatchNorm2d(inner),
                nn.ReLU(inplace=True),
                nn.Conv2d(inner, inner, 3, padding=1, bias=False),
                nn.BatchNorm2d(inner),
                nn.ReLU(inplace=True),
                nn.Conv2d(inner, inputs, 3, padding=1, bias=False),
            )
        self.bn1 = nn.BatchNorm2d(inputs)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = [inputs]
        stages = zip(shape.blocks, shape.depths, shape.widths, strict=True)
        for number, (block, depth, width) in enumerate(stages, 1):
            stride, outputs = 1 if number == 1 else 2, width * block.expansion
            blocks = []
            for index in range(depth):
                shortcut = None
                if index == 0 and (stride > 1 or inputs != outputs):
                    shortcut = _projection(inputs, outputs, stride, inner is not None)
                blocks.append(block(inputs, width, stride if index == 0 else 1, shortcut))
                inputs = outputs
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            channels.append(outputs)
        self.channels = tuple(channels)
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
                nn.init.zeros_(last.weight)


def _projection(inputs: int, outputs: int, stride: int, averaged: bool) -> nn.Sequential:
    """The shortcut of a block that changes channels or size."""
    norm = nn.BatchNorm2d(outputs)
    if not averaged:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), norm)
    pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
    return nn.Sequential(
        nn.Identity() if stride == 1 else pool, nn.Conv2d(inputs, outputs, 1, bias=False), norm
    )
