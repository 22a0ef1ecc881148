"""The light click network: an encoder that sees the photograph, and a head that sees the clicks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.convolutions import LogitConv2d
from gfm.encoders.efficientnet import EfficientNetLite
from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.light_clicks.graphs import FEATURES, LOGITS
from gfm.models.light_clicks.maps import MAPS
from gfm.models.network import MattingNetwork

HEADS = 4  # of the attention
NEAR = (0, 2)  # the narrow maps: background, object
LEAST = 1e-4  # weight of the clicks on a level, so that none divides by 0


class LightClicks(MattingNetwork):
    """Alpha of a photograph and its clicks.

    Args:
        config: The network to assemble.

    Attributes:
        encoder: Takes the normalised photograph, once.
        head: Takes its features and the clicks, each time.
    """

    system = "light_clicks"
    config: LightClicksConfig

    def __init__(self, config: LightClicksConfig | None = None) -> None:
        config = config or LightClicksConfig()
        super().__init__(config)
        self.encoder = EfficientNetLite(LITE_SHAPES[config.backbone])
        self.head = ClickHead(self.encoder.channels, config.widths)

    def encode(self, image: Tensor) -> list[Tensor]:
        """Features at strides 2 to 32 of RGB (B, 3, H, W) in [0, 1], sides multiples of 32."""
        levels: list[Tensor] = self.encoder(self.normalise(image))
        return levels

    def forward(self, image: Tensor, maps: Tensor, previous: Tensor) -> Tensor:
        """Logits of alpha (B, 1, H / 2, W / 2).

        Args:
            image: RGB (B, 3, H, W) in [0, 1], sides multiples of 32.
            maps: Of the clicks, (B, 4, H / 4, W / 4), of `gfm.models.light_clicks.maps`.
            previous: The matte that is corrected (B, 1, H / 2, W / 2); 0 for none.
        """
        result: Tensor = self.head(maps, previous, *self.encode(image))
        return result

    def maps(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Features and logits; features that are given are not computed."""
        seen = {
            name: each.contiguous(memory_format=torch.channels_last)
            for name, each in inputs.items()
        }
        if FEATURES[0] in seen:
            features = [seen[name] for name in FEATURES]
        else:
            features = self.encode(seen["image"])
        made = dict(zip(FEATURES, features, strict=True))
        if LOGITS in outputs:
            made[LOGITS] = self.head(seen["maps"], seen["previous"], *features)
        return made


class ClickHead(nn.Module):
    """A U-Net over the clicks and the previous matte, which the photograph's features join.

    Args:
        channels: Of the features at strides 2, 4, 8, 16 and 32.
        widths: Channels at these strides.
    """

    def __init__(self, channels: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = channels
        w2, w4, w8, w16, w32 = widths
        self.stem = _convolution(MAPS + 1, w4)
        self.alike4 = ClickSimilarity(c4, 16)
        self.alike16 = ClickSimilarity(c16, 48)
        self.at4 = _convolution(w4 + c4 + 2, w4)
        self.down8, self.at8 = _convolution(w4, w8, 2), _convolution(w8 + c8, w8)
        self.down16, self.at16 = _convolution(w8, w16, 2), _convolution(w16 + c16 + 2, w16)
        self.down32, self.at32 = _convolution(w16, w32, 2), _convolution(2 * w32, w32)
        self.deep = _convolution(c32, w32, kernel=1)
        self.up16, self.up8 = _convolution(w32 + w16, w16), _convolution(w16 + w8, w8)
        self.far = Attention(w16)
        self.up4, self.narrow = _convolution(w8 + w4, w4), _convolution(w4, w2, kernel=1)
        self.up2 = _convolution(w2 + c2 + 1, w2)
        self.out = LogitConv2d(w2, 1, 3, padding=1)

    def forward(
        self,
        maps: Tensor,
        previous: Tensor,
        f2: Tensor,
        f4: Tensor,
        f8: Tensor,
        f16: Tensor,
        f32: Tensor,
    ) -> Tensor:
        """Logits (B, 1, H / 2, W / 2).

        Args:
            maps: Of the clicks (B, 4, H / 4, W / 4).
            previous: Matte (B, 1, H / 2, W / 2).
            f2: Features of the photograph at stride 2; the others likewise.
            f4: At stride 4.
            f8: At stride 8.
            f16: At stride 16.
            f32: At stride 32.
        """
        near = torch.cat([maps[:, each : each + 1] for each in NEAR], dim=1)
        before = functional.avg_pool2d(previous, 2)
        x4 = self.stem(torch.cat([maps, before], dim=1) - 0.5)
        x4 = self.at4(torch.cat([x4, f4, self.alike4(f4, near)], dim=1))
        x8 = self.at8(torch.cat([self.down8(x4), f8], dim=1))
        alike = self.alike16(f16, functional.avg_pool2d(near, 4))
        x16 = self.at16(torch.cat([self.down16(x8), f16, alike], dim=1))
        x32 = self.at32(torch.cat([self.down32(x16), self.deep(f32)], dim=1))
        x = self.far(self.up16(torch.cat([_twice(x32), x16], dim=1)))
        x = self.up8(torch.cat([_twice(x), x8], dim=1))
        x = self.narrow(self.up4(torch.cat([_twice(x), x4], dim=1)))
        x = self.up2(torch.cat([_twice(x), f2, previous - 0.5], dim=1))
        return cast(Tensor, self.out(x))


class ClickSimilarity(nn.Module):
    """Cosine of each pixel's features and those at the clicks, for both kinds of clicks.

    Args:
        inputs: Channels of the features.
        width: Channels that are compared.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(inputs, width, 1)

    def forward(self, features: Tensor, near: Tensor) -> Tensor:
        """(B, 2, h, w) of features (B, C, h, w) and weights of the clicks (B, 2, h, w); 0 for none.

        Args:
            features: Of the photograph.
            near: Weights of the clicks.
        """
        each = _unit(self.project(features).flatten(2), dim=1)
        weights = near.flatten(2)
        share = weights / (weights.sum(dim=2, keepdim=True) + LEAST)
        at_clicks = _unit(share.to(each.dtype) @ each.transpose(1, 2), dim=2)
        alike: Tensor = at_clicks @ each
        return alike.reshape(near.shape)


class Attention(nn.Module):
    """Self-attention over all pixels of a level, added to it: clicks reach across the object.

    Args:
        width: Channels, a multiple of the heads.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
        self.inputs = nn.Conv2d(width, 3 * width, 1)
        self.output = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.output.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same."""
        batch, width, rows, columns = x.shape
        parts = self.inputs(self.norm(x)).reshape(batch, 3, HEADS, width // HEADS, rows * columns)
        query, key, value = parts.unbind(1)
        score = query.transpose(2, 3) @ key * (width // HEADS) ** -0.5
        weights = score.float().softmax(dim=3).to(value.dtype)
        made = (value @ weights.transpose(2, 3)).reshape(batch, width, rows, columns)
        return x + cast(Tensor, self.output(made))


def _unit(x: Tensor, dim: int) -> Tensor:
    """Vectors along a dimension at length 1, in float32 while they are measured."""
    length = x.float().square().sum(dim=dim, keepdim=True).add(1e-6).sqrt()
    return x / length.to(x.dtype)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _convolution(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(True),
    )
