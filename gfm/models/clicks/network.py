"""Network of interactive segmentation: image stream, interaction stream, decoder, guided filter."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gfm.blocks.guided_filter import LearnedGuidedFilter
from gfm.blocks.pyramid_decoder import Decoder, skip_levels
from gfm.encoders.dilated import dilated_resnet50
from gfm.models.clicks.config import ClicksConfig
from gfm.models.clicks.stream import InteractionStream

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MAPS = 6
NARROWEST = (0, 3)  # the narrowest map of the background, that of the object


class ClickNetwork(nn.Module):
    """Interactive segmentation (Forte's thesis, section 3.2.1).

    The image stream and the decoder are those of FBA.

    Args:
        config: The network to assemble; `ClicksConfig()` is the published one.
    """

    def __init__(self, config: ClicksConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or ClicksConfig()
        inputs = 3 + MAPS + (config.feedback and not config.stream)
        self.encoder = dilated_resnet50(inputs)
        strides, channels = self.encoder.strides, list(self.encoder.channels)
        self.joined = (*skip_levels(strides), len(strides) - 1)
        self.stream = InteractionStream(MAPS + 1, strides[-1]) if config.stream else None
        if self.stream is not None:
            for level in self.joined:
                channels[level] += self.stream.channels[strides[level]]
        self.decoder = Decoder(channels, strides, guide=3 + MAPS, outputs=1)
        self.filter = LearnedGuidedFilter(3 + len(NARROWEST)) if config.guided_filter else None
        self.mean: Tensor
        self.deviation: Tensor
        for name, values in (("mean", MEAN), ("deviation", DEVIATION)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, masks: Tensor, maps: Tensor, previous: Tensor) -> Tensor:
        """Segment a batch.

        Args:
            image: RGB (B, 3, H, W) in [0, 1]; height and width multiples of 8.
            masks: Clicked pixels (B, 2, H, W), 0 or 1: background, object.
            maps: Their Gaussians (B, 6, H, W), of `gfm.guidance.clicks.Clicks.maps`.
            previous: The matte before the last click (B, 1, H, W), 0 before the first.

        Returns:
            Matte (B, 1, H, W) in [0, 1].
        """
        normalised = (image - self.mean) / self.deviation
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
        levels = self.encoder(torch.cat(inputs, dim=1))
        if self.stream is not None:
            fed = previous if self.config.feedback else torch.zeros_like(previous)
            taps = self.stream(torch.cat([maps, fed], dim=1))
            for level in self.joined:
                tap = taps[self.encoder.strides[level]]
                levels[level] = torch.cat([levels[level], tap], dim=1)
        result: Tensor = self.decoder(levels, torch.cat([normalised, maps], dim=1))
        return result


def guide_features(normalised: Tensor, maps: Tensor) -> Tensor:
    """What the guide is made of (B, 5, H, W): the image and the narrowest map of each kind."""
    return torch.cat([normalised, maps[:, list(NARROWEST)]], dim=1)
