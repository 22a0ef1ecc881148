"""The two decoders (paper, section 3.2): sub-pixel convolutions, global ones on the shortcuts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from gfm.blocks.convolutions import LogitConv2d
from gfm.blocks.modulation import Modulate, modulated

WIDTHS = (512, 256, 128, 64, 32, 16)  # after the reduction and after each of the five enlargements
REACH = 7  # side of the global convolutions


class Reduction(nn.Module):
    """A 1x1 convolution, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h, w)."""
        return torch.relu_(self.norm(self.conv(features)))


class SubPixelUp(nn.Module):
    """A 3x3 convolution to four sub-pixels per pixel, batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 3, padding=1, bias=False)
        self.shuffle = nn.PixelShuffle(2)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, 2h, 2w)."""
        return torch.relu_(self.norm(self.shuffle(self.conv(features))))


class GlobalConvolution(nn.Module):
    """Sum of a 7x1 then 1x7 convolution and of a 1x7 then 7x1 one (Peng et al. 2017)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        tall, wide = (REACH, 1), (1, REACH)
        self.left = _in_turn(inputs, outputs, tall, wide)
        self.right = _in_turn(inputs, outputs, wide, tall)

    def forward(self, features: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h, w)."""
        both: Tensor = self.left(features) + self.right(features)
        return both


def _in_turn(
    inputs: int, outputs: int, first: tuple[int, int], second: tuple[int, int]
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, first, padding="same"),
        nn.Conv2d(outputs, outputs, second, padding="same"),
    )


class Decoder(nn.Module):
    """Five enlargements from stride 32 to the image, with shortcuts from some encoder levels.

    Args:
        channels: Channels of the five encoder levels, finest first.
        outputs: Channels of the result.
        shortcuts: Numbers of the levels with a shortcut, 1 (finest) to 4.

    Note:
        A block is as wide as in the paper's network, or as its encoder level where that is
        narrower.
    """

    def __init__(self, channels: Sequence[int], outputs: int, shortcuts: Sequence[int]) -> None:
        super().__init__()
        coarse_first = (*reversed(channels), channels[0])
        widths = [min(most, level) for most, level in zip(WIDTHS, coarse_first, strict=True)]
        self.shortcuts = tuple(shortcuts)
        self.reduce = Reduction(channels[-1], widths[0])
        for number, (before, after) in enumerate(pairwise(widths), 1):
            self.add_module(f"up{number}", SubPixelUp(before, after))
        for level in shortcuts:
            block = GlobalConvolution(channels[level - 1], widths[5 - level])
            self.add_module(f"skip_c{level}", block)
        self.head = LogitConv2d(widths[-1], outputs, 3, padding=1)

    def forward(self, levels: list[Tensor], modulate: Modulate | None = None) -> Tensor:
        """Decode to logits (B, outputs, H, W) of the image's size.

        Args:
            levels: The encoder's five levels, finest first.
            modulate: Changes the features at strides 32 to 4, given the power of two of the stride.
        """
        features = self.reduce(levels[-1])
        for power in range(5, 0, -1):
            features = modulated(modulate, power, features)
            features = self.get_submodule(f"up{6 - power}")(features)
            if power - 1 in self.shortcuts:
                features = features + self.get_submodule(f"skip_c{power - 1}")(levels[power - 2])
        logits: Tensor = self.head(features)
        return logits
