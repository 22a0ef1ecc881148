"""LSA network: an encoder that sees the trimap, a decoder of gated blocks (paper, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.convolutions import LogitConv2d
from gfm.blocks.modulation import Modulate, modulated
from gfm.encoders.guided import guided_encoder
from gfm.models.lsa.config import LSAConfig
from gfm.models.network import MattingNetwork

# Channels of the decoder's blocks at strides 2 to 32 behind ResNet-50-D.
WIDTHS = (64, 64, 128, 256, 512)


class Features(NamedTuple):
    """Everything that the decoder reads.

    Attributes:
        levels: The encoder's maps at strides 2 to 32, finest first.
        inputs: Normalised image and trimap (B, 4, H, W).
    """

    levels: list[Tensor]
    inputs: Tensor


class LSA(MattingNetwork):
    """Matting network for an image and its trimap.

    Args:
        config: The network to assemble; `LSAConfig()` is the published one.
        weights: Weights of the encoder, as `gfm.encoders.build.build_encoder` takes them; those of
            the trimap's channel start at zero.
    """

    system = "lsa"
    config: LSAConfig

    def __init__(self, config: LSAConfig | None = None, weights: str | Path | None = None) -> None:
        config = config or LSAConfig()
        super().__init__(config)
        self.encoder = guided_encoder(config.backbone, 4, weights)
        self.decoder = Decoder(self.encoder.channels)

    def forward(self, image: Tensor, trimap: Tensor) -> Tensor:
        """Predict alpha.

        Args:
            image: RGB (B, 3, H, W) in [0, 1]; any height and width.
            trimap: (B, 1, H, W): 0 background, 128 / 255 unknown, 1 foreground.

        Returns:
            (B, 1, H, W), not clamped.
        """
        return self.decode(self.encode(image, trimap))

    def encode(self, image: Tensor, trimap: Tensor) -> Features:
        """Run the encoder alone, on what `forward` takes."""
        inputs = torch.cat([self.normalise(image), trimap], dim=1)
        return Features(self.encoder(inputs), inputs)

    def decode(self, features: Features, modulate: Modulate | None = None) -> Tensor:
        """Predict alpha (B, 1, H, W), not clamped, from encoded features.

        Args:
            features: Of `encode`.
            modulate: Changes the output of each block from stride 32 to stride 4, given the power
                of two of its stride and the features: see `gfm.models.backpropagation`.
        """
        alpha: Tensor = self.decoder(features, modulate)
        return alpha


class Decoder(nn.Module):
    """Blocks from stride 32 to stride 2, then three convolutions beside the input.

    Args:
        channels: Of the encoder's five levels, finest first. A block has the published width, but
            no more channels than its level.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        blocks, deeper = [], 0
        for level, most in zip(reversed(channels), reversed(WIDTHS), strict=True):
            width = min(level, most)
            blocks.append(GatedBlock(level + deeper, width))
            deeper = width
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Sequential(
            nn.Conv2d(4 + deeper, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(inplace=True),
            LogitConv2d(32, 1, 3, padding=1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, features: Features, modulate: Modulate | None = None) -> Tensor:
        """Raw alpha (B, 1, H, W); see `LSA.decode`."""
        *finer, x = features.levels
        first, *blocks = self.blocks
        x = modulated(modulate, len(features.levels), first(x))
        powers = range(len(finer), 0, -1)
        for power, level, block in zip(powers, reversed(finer), blocks, strict=True):
            x = functional.interpolate(x, size=level.shape[-2:], mode="nearest")
            x = modulated(modulate, power, block(torch.cat([level, x], dim=1)))
        size = features.inputs.shape[-2:]
        x = functional.interpolate(x, size=size, mode="bilinear", align_corners=False)
        raw: Tensor = self.head(torch.cat([features.inputs, x], dim=1))
        return raw


class GatedBlock(nn.Module):
    """A convolution whose channels are gated by their mean (VoVNet's squeeze and excitation)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.gate = nn.Conv2d(outputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        y = functional.relu(self.norm(self.convolution(x)))
        return y * functional.hardsigmoid(self.gate(y.mean(dim=(2, 3), keepdim=True)))
