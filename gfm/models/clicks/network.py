"""Network of interactive segmentation: image stream, interaction stream, decoder, guided filter."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from gfm.blocks.guided_filter import LearnedGuidedFilter
from gfm.blocks.layers import GROUPS
from gfm.blocks.pyramid_decoder import Decoder, Widths, skip_levels
from gfm.encoders.build import Encoder
from gfm.encoders.dilated import dilated_resnet50
from gfm.encoders.guided import guided_encoder
from gfm.encoders.resnet import ResNet
from gfm.models.clicks.config import DILATED, ClicksConfig
from gfm.models.clicks.stream import InteractionStream
from gfm.models.network import MattingNetwork

MAPS = 6
STRIDES = (2, 4, 8, 16, 32)  # of the levels of other encoders than the published one
WIDTHS = Widths(steps=(256, 256, 128, 64, 64))  # of the decoder behind them
NARROWEST = (0, 3)  # the narrowest map of the background, that of the object


class ClickNetwork(MattingNetwork):
    """Interactive segmentation (Forte's thesis, section 3.2.1).

    The image stream and the decoder are those of FBA.

    Args:
        config: The network to assemble; `ClicksConfig()` is the published one.
        weights: Of the encoder, trained on ImageNet, as FBA takes them. Those of the clicks'
            channels start at 0.

    Attributes:
        multiple: Sides of the input are multiples of this.
    """

    system = "clicks"
    config: ClicksConfig

    def __init__(
        self, config: ClicksConfig | None = None, weights: str | Path | None = None
    ) -> None:
        config = config or ClicksConfig()
        super().__init__(config)
        self.encoder, strides, widths = _encoder(config, weights)
        self.strides, self.multiple = strides, strides[-1]
        self.joined = (*skip_levels(strides), len(strides) - 1)
        channels = list(self.encoder.channels)
        self.stream: InteractionStream | None = None
        if config.stream:
            self.stream = InteractionStream(MAPS + 1, strides[-1], config.width)
            for level in self.joined:
                channels[level] += self.stream.channels[strides[level]]
        self.decoder = Decoder(
            channels, strides, guide=3 + MAPS, outputs=1, widths=_scaled(widths, config.width)
        )
        # A matte that is clamped all over has no gradient: training starts from one half.
        head = cast(nn.Sequential, self.decoder.get_submodule(f"conv_up{self.decoder.last}"))
        nn.init.constant_(cast(Tensor, head[-1].bias), 0.5)
        self.filter = LearnedGuidedFilter(3 + len(NARROWEST)) if config.guided_filter else None

    def forward(self, image: Tensor, masks: Tensor, maps: Tensor, previous: Tensor) -> Tensor:
        """Segment a batch.

        Args:
            image: RGB (B, 3, H, W) in [0, 1].
            masks: Clicked pixels (B, 2, H, W), 0 or 1: background, object.
            maps: Their Gaussians (B, 6, H, W), of `gfm.guidance.clicks.Clicks.maps`.
            previous: The matte before the last click (B, 1, H, W), 0 before the first.

        Returns:
            Matte (B, 1, H, W) in [0, 1].
        """
        normalised = self.normalise(image)
        alpha = self.logits(normalised, maps, previous).clamp(0, 1)
        background, foreground = masks[:, :1], masks[:, 1:]
        alpha = alpha * (1 - background) * (1 - foreground) + foreground
        if self.filter is None:
            return alpha
        result: Tensor = self.filter(alpha, guide_features(normalised, maps))
        return result

    def logits(self, normalised: Tensor, maps: Tensor, previous: Tensor) -> Tensor:
        """The decoder's result (B, 1, H, W) for an image of mean 0 and deviation 1."""
        inputs = [normalised, maps]
        if self.config.feedback and not self.config.stream:
            inputs.append(previous)
        levels = list(self.encoder(torch.cat(inputs, dim=1)))
        if self.stream is not None:
            fed = previous if self.config.feedback else torch.zeros_like(previous)
            taps = self.stream(torch.cat([maps, fed], dim=1))
            for level in self.joined:
                levels[level] = torch.cat([levels[level], taps[self.strides[level]]], dim=1)
        result: Tensor = self.decoder(levels, torch.cat([normalised, maps], dim=1))
        return result


def guide_features(normalised: Tensor, maps: Tensor) -> Tensor:
    """Channels of the guide (B, 5, H, W): the image and the narrowest map of each kind."""
    return torch.cat([normalised, maps[:, list(NARROWEST)]], dim=1)


def _encoder(
    config: ClicksConfig, weights: str | Path | None
) -> tuple[ResNet | Encoder, tuple[int, ...], Widths]:
    """The image stream, the strides of its levels, and the widths of the decoder behind it."""
    inputs = 3 + MAPS + (config.feedback and not config.stream)
    if config.backbone == DILATED:
        body = dilated_resnet50(inputs, weights=weights)
        return body, body.strides, Widths()
    return guided_encoder(config.backbone, inputs, weights), STRIDES, WIDTHS


def _scaled(widths: Widths, factor: float) -> Widths:
    """Other widths of a decoder; those before a norm are multiples of its groups.

    At the coarsest level, which may be a single pixel, there are two channels a group at least.
    """

    def normed(channels: int, least: int = 1) -> int:
        return max(round(channels * factor / GROUPS), least) * GROUPS

    first, *others = widths.steps
    return Widths(
        normed(widths.pooled, 2),
        (normed(first, 2), *(normed(channels) for channels in others)),
        tuple(max(round(channels * factor), 4) for channels in widths.head),
    )
