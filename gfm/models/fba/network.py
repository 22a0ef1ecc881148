"""FBA's network: a dilated ResNet-50, pyramid pooling, and a decoder of alpha, F and B."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gfm.blocks.fusion import fuse
from gfm.blocks.layers import standardised_layers
from gfm.blocks.modulation import Modulate
from gfm.blocks.pyramid_decoder import Decoder, Widths
from gfm.encoders.build import Encoder
from gfm.encoders.dilated import dilated_resnet50
from gfm.encoders.guided import guided_encoder
from gfm.encoders.resnet import ResNet
from gfm.guidance.trimap import encode_trimap
from gfm.models.fba.config import DILATED, FBAConfig
from gfm.models.network import MattingNetwork

TRIMAP, DISTANCES = 2, 6  # channels of the guidance
STRIDES = (2, 4, 8, 16, 32)
# Of the decoder behind an encoder with levels at strides 2 to 32.
WIDTHS = Widths(steps=(256, 256, 128, 64, 64))


class AlphaFB(NamedTuple):
    """A matte and its colours.

    Attributes:
        alpha: (B, 1, H, W).
        foreground: RGB (B, 3, H, W); None from a network of alpha alone.
        background: Likewise.
    """

    alpha: Tensor
    foreground: Tensor | None = None
    background: Tensor | None = None


class Features(NamedTuple):
    """Everything that the decoder reads.

    Attributes:
        levels: Of the encoder, finest first.
        guide: What is known at full size, (B, 8, H, W).
    """

    levels: list[Tensor]
    guide: Tensor


class FBA(MattingNetwork):
    """FBA matting (Forte and Pitié 2020).

    Args:
        config: The network to assemble; `FBAConfig()` is the published one.
        weights: Of the encoder, trained on ImageNet: a file for `dilated_resnet50`, else as
            `gfm.encoders.build.build_encoder` takes them. Those of the trimap's channels start at
            0.

    Attributes:
        multiple: Sides of the input for which the levels lie exactly over each other; others work.
    """

    system = "fba"
    config: FBAConfig

    def __init__(self, config: FBAConfig | None = None, weights: str | Path | None = None) -> None:
        config = config or FBAConfig()
        super().__init__(config)
        self.multiple = config.multiple
        self.encoder, strides, widths = _encoder(config, weights)
        self.decoder = Decoder(
            self.encoder.channels,
            strides,
            guide=6 + TRIMAP,
            outputs=7 if config.outputs == "alpha_fb" else 1,
            widths=widths,
            layers=standardised_layers(config.standardisation, config.norm == "batch"),
        )

    def forward(self, image: Tensor, trimap: Tensor, distances: Tensor) -> AlphaFB:
        """Matte a batch.

        Args:
            image: RGB (B, 3, H, W) in [0, 1].
            trimap: Definite background and foreground (B, 2, H, W), 0 or 1.
            distances: Their distance maps (B, 6, H, W), of `gfm.guidance.trimap.encode_trimap`.

        Returns:
            Alpha in [0, 1] and, from a network that has them, F and B. Outside training these are
            fused; the losses take them as predicted.
        """
        result = self.activate(self.logits(image, trimap, distances))
        if self.training or result.foreground is None or result.background is None:
            return result
        return AlphaFB(*fuse(image, result.alpha, result.foreground, result.background))

    def encode(self, image: Tensor, trimap: Tensor) -> Features:
        """Everything the decoder reads, for backpropagating refinement.

        Args:
            image: RGB (1, 3, H, W) in [0, 1].
            trimap: (1, 1, H, W): 0 background, 0.5 unknown, 1 foreground.
        """
        levels = (255 * trimap[0, 0]).round().byte().cpu().numpy()
        masks, distances = (
            torch.from_numpy(each)[None].to(image) for each in encode_trimap(levels)
        )
        return self._features(image, masks, distances)

    def decode(self, features: Features, modulate: Modulate | None = None) -> Tensor:
        """Alpha (1, 1, H, W) alone, not clamped, of what `encode` gives; not fused.

        Args:
            features: Of `encode`.
            modulate: See `gfm.models.backpropagation`.
        """
        alpha: Tensor = self.decoder(features.levels, features.guide, modulate)[:, :1]
        return alpha if self.config.activation == "clamp" else alpha.sigmoid()

    def logits(self, image: Tensor, trimap: Tensor, distances: Tensor) -> Tensor:
        """The decoder's result (B, 7 or 1, H, W), before activation and fusion."""
        features = self._features(image, trimap, distances)
        result: Tensor = self.decoder(features.levels, features.guide)
        return result

    def _features(self, image: Tensor, trimap: Tensor, distances: Tensor) -> Features:
        normalised = self.normalise(image)
        guide = torch.cat([normalised, image, trimap], dim=1)
        return Features(self.encoder(torch.cat([normalised, distances, trimap], dim=1)), guide)

    def activate(self, logits: Tensor, clamp: bool = True) -> AlphaFB:
        """Alpha, F and B in [0, 1] of the logits.

        Args:
            logits: Of `logits`.
            clamp: Clamp alpha where the configuration says so. A clamped alpha that is 0 or 1 all
                over has no gradient and stays so; the author advises to begin without.
        """
        alpha = logits[:, :1]
        if self.config.activation == "sigmoid":
            alpha = alpha.sigmoid()
        elif clamp:
            alpha = alpha.clamp(0, 1)
        if self.config.outputs == "alpha":
            return AlphaFB(alpha)
        foreground, background = logits[:, 1:].sigmoid().chunk(2, dim=1)
        return AlphaFB(alpha, foreground, background)


def _encoder(
    config: FBAConfig, weights: str | Path | None
) -> tuple[ResNet | Encoder, tuple[int, ...], Widths]:
    """The encoder, the strides of its levels, and the widths of the decoder behind it."""
    inputs = 3 + DISTANCES + TRIMAP
    if config.backbone == DILATED:
        body = dilated_resnet50(inputs, config.norm, config.standardisation, weights)
        return body, body.strides, Widths()
    return guided_encoder(config.backbone, inputs, weights), STRIDES, WIDTHS
