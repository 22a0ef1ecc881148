"""The light guided network: a U-Net on EfficientNet-Lite0 that ends at full resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.depthwise import SameConv2d
from gfm.blocks.fusion import fuse
from gfm.blocks.precision import wide
from gfm.encoders.build import build_encoder
from gfm.encoders.efficientnet import STEM, EfficientNetLite
from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.hints import HINTS
from gfm.models.network import MattingNetwork

MULTIPLE = 32  # of the sides that the encoder takes
LEAK = 0.05  # slope of alpha outside [0, 1] while training


class Colours(NamedTuple):
    """Output for a batch, all float32 in [0, 1].

    Attributes:
        alpha: (B, 1, H, W).
        foreground: (B, 3, H, W).
        background: (B, 3, H, W).
    """

    alpha: Tensor
    foreground: Tensor
    background: Tensor


class Guided(MattingNetwork):
    """Alpha, F and B of a photograph and its hints.

    Args:
        config: The network to assemble.
        weights: Weights of its encoder, as for `gfm.encoders.build.build_encoder`.
    """

    system = "guided"

    def __init__(
        self, config: GuidedConfig | None = None, weights: str | Path | None = None
    ) -> None:
        config = config or GuidedConfig()
        super().__init__(config)
        self.encoder = EfficientNetLite(LITE_SHAPES[config.backbone])
        if weights is not None:
            body = build_encoder(f"timm:{config.backbone}", weights).get_submodule("body")
            self.encoder.load_state_dict(body.state_dict())
        self.stem = SameConv2d(HINTS, STEM)
        nn.init.zeros_(self.stem.weight)
        *skips, inputs = self.encoder.channels
        skips = [STEM, *skips[1:]]
        self.blocks = nn.ModuleList([nn.Sequential(*_point(inputs, config.widths[0]))])
        for width, before, skip in zip(
            config.widths[1:], config.widths[:-1], reversed(skips), strict=True
        ):
            self.blocks.append(nn.Sequential(*_convolution(before + skip, width)))
        self.finest = nn.Sequential(*_convolution(config.widths[-1], config.widths[-1]))
        full = config.full
        self.head = nn.Sequential(
            nn.Conv2d(config.widths[-1] + 3 + HINTS, full, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(full, full, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(full, 7, 3, padding=1),
        )

    def forward(self, image: Tensor, guidance: Tensor) -> Colours:
        """Matte a batch.

        Args:
            image: RGB (B, 3, H, W) in [0, 1].
            guidance: (B, 9, H, W), of `gfm.models.guided.hints`.

        Returns:
            Alpha, F and B at the size of the image, fused with it (FBA, section 3.4): blending them
            gives the image. In training they are not, and alpha leaves [0, 1] a little.
        """
        height, width = image.shape[-2:]
        rows, columns = -height % MULTIPLE, -width % MULTIPLE
        if rows or columns:
            edges = (0, columns, 0, rows)
            image, guidance = (functional.pad(x, edges, "replicate") for x in (image, guidance))
        return Colours(*(x[..., :height, :width] for x in self.aligned(image, guidance)))

    def aligned(self, image: Tensor, guidance: Tensor) -> Colours:
        """As `forward`, with heights and widths that are multiples of 32."""
        made = wide(self._decode(torch.cat([self.normalise(image), guidance - 0.5], dim=1)))
        alpha, colours = made[:, :1] + 0.5, made[:, 1:] + guidance[:, 2:8]
        if self.training:
            inside = alpha.clamp(0, 1)
            return Colours(inside + LEAK * (alpha - inside), colours[:, :3], colours[:, 3:])
        colours = colours.clamp(0, 1)
        fused = fuse(image, alpha.clamp(0, 1), colours[:, :3], colours[:, 3:])
        return Colours(fused[0], *restore(image, *fused))

    def maps(self, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> Mapping[str, Tensor]:
        """Alpha, F and B; see `MattingNetwork.maps`."""
        del outputs
        order = torch.channels_last  # a fifth faster on a CPU
        seen = (inputs[name].contiguous(memory_format=order) for name in ("image", "guidance"))
        return self(*seen)._asdict()  # type: ignore[no-any-return]

    def _decode(self, both: Tensor) -> Tensor:
        encoder = self.encoder
        first = encoder.conv_stem(both[:, :3]) + self.stem(both[:, 3:])
        stem = functional.relu6(encoder.bn1(first))
        *skips, coarsest = encoder.stages(stem)
        x = self.blocks[0](coarsest)
        for block, skip in zip(self.blocks[1:], reversed([stem, *skips[1:]]), strict=True):
            x = block(torch.cat([_twice(x), skip], dim=1))
        x = self.finest(x)
        made: Tensor = self.head(torch.cat([_twice(x), both], dim=1))
        return made


def restore(
    image: Tensor, alpha: Tensor, foreground: Tensor, background: Tensor
) -> tuple[Tensor, Tensor]:
    """The nearest F and B with C = alpha F + (1 - alpha) B, clamped to [0, 1].

    Args:
        image: C, RGB (B, 3, H, W).
        alpha: (B, 1, H, W).
        foreground: F (B, 3, H, W).
        background: B, likewise.
    """
    rest = 1 - alpha
    missing = (image - alpha * foreground - rest * background) / (alpha**2 + rest**2)
    return (foreground + alpha * missing).clamp(0, 1), (background + rest * missing).clamp(0, 1)


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _point(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)]


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(True),
    ]
