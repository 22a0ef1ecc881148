"""DenseNet-121 (Huang et al. 2017), with the names and the arithmetic of timm's."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

GROWTH = 32  # channels that a layer adds
INNER = 4 * GROWTH  # channels between the two convolutions of a layer
DEPTHS = (6, 12, 24, 16)


class DenseLayer(nn.Module):
    """Layer that appends `GROWTH` channels computed from all of its input."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, INNER, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(INNER)
        self.conv2 = nn.Conv2d(INNER, GROWTH, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        """Maps of one size, (B, C, H, W) each, to (B, GROWTH, H, W)."""
        inner = self.conv1(torch.relu_(self.norm1(torch.cat(features, 1))))
        made: Tensor = self.conv2(torch.relu_(self.norm2(inner)))
        return made


class DenseBlock(nn.Module):
    """Layers of which each sees the results of all before it."""

    def __init__(self, inputs: int, depth: int) -> None:
        super().__init__()
        for index in range(depth):
            self.add_module(f"denselayer{index + 1}", DenseLayer(inputs + index * GROWTH))

    def forward(self, image: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, inputs + depth * GROWTH, H, W)."""
        features = [image]
        for layer in self.children():
            features.append(layer(features))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    """The parts of DenseNet-121 but its classifier, by name in `features`."""

    def __init__(self) -> None:
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict(
            conv0=nn.Conv2d(3, 2 * GROWTH, 7, 2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(2 * GROWTH),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
        channels = 2 * GROWTH
        for number, depth in enumerate(DEPTHS, 1):
            parts[f"denseblock{number}"] = DenseBlock(channels, depth)
            channels += depth * GROWTH
            if number < len(DEPTHS):
                parts[f"transition{number}"] = _transition(channels)
                channels //= 2
        parts |= {"norm5": nn.BatchNorm2d(channels), "relu5": nn.ReLU(inplace=True)}
        self.features = nn.Sequential(parts)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)


def _transition(channels: int) -> nn.Sequential:
    """Halves channels, height and width."""
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
            pool=nn.AvgPool2d(2, 2),
        )
    )
