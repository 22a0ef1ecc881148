"""The glance and the focus decoder (paper, sections 3.2 and 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gfm.blocks import PyramidPooling, bridge_block, conv_bn_relu, decoder_block, head, upsample
from gfm.config import Pyramid, SingleRosta
from gfm.plans import DecoderPlan

GLANCE_CLASSES: dict[SingleRosta, int] = {"TT": 3, "FT": 2, "BT": 2}


class GlanceDecoder(nn.Module):
    """Finds the object: pyramid-pooled context goes into every block, no skips from the encoder.

    Args:
        channels: Channels of the coarsest encoder level.
        plan: Widths of the blocks.
        rostas: The representations to predict; each has a head of its own.
        pyramid: Which blocks the pyramid pooling feeds.
    """

    def __init__(
        self,
        channels: int,
        plan: DecoderPlan,
        rostas: Sequence[SingleRosta],
        pyramid: Pyramid = "all",
    ) -> None:
        super().__init__()
        context = plan.context
        self.pyramid = None if pyramid == "none" else PyramidPooling(channels, context)
        self.guides = nn.ModuleList()
        self.blocks = nn.ModuleList()
        self.head_joins = plan.head_joins and pyramid == "all"
        inputs, factor = channels, 1
        for index, stage in enumerate(plan.stages):
            if index > 0 and pyramid == "all":
                self.guides.append(guide(context, inputs, factor, plan.separable))
                inputs *= 2
            elif index == 0 and self.pyramid is not None:
                inputs += context
            self.blocks.append(decoder_block(inputs, stage.widths, stage.factor, plan.separable))
            inputs, factor = stage.widths[-1], factor * stage.factor
        if self.head_joins:
            self.guides.append(guide(context, inputs, factor, plan.separable))
            inputs *= 2
        self.heads = nn.ModuleDict(
            {
                r: head(inputs, plan.head, GLANCE_CLASSES[r], plan.head_factor, plan.separable)
                for r in rostas
            }
        )

    def forward(self, levels: list[Tensor]) -> dict[str, Tensor]:
        """Decode the levels, finest first, to the class logits (B, C, H, W) of each head."""
        features = coarsest = levels[-1]
        if self.pyramid is not None:
            context = self.pyramid(coarsest)
            features = torch.cat([context, coarsest], dim=1)
        for index, block in enumerate(self.blocks):
            if index > 0 and len(self.guides) > 0:
                features = torch.cat([self.guides[index - 1](context), features], dim=1)
            features = block(features)
        if self.head_joins:
            features = torch.cat([self.guides[-1](context), features], dim=1)
        return {rosta: last(features) for rosta, last in self.heads.items()}


class FocusDecoder(nn.Module):
    """Finds the fine edges: a U-Net decoder with a skip from each encoder level.

    Args:
        channels: Channels of the encoder's levels, finest first.
        plan: Widths of the blocks.
        outputs: The heads, by name, with their number of channels.
        bridge: Has the bridge block on the coarsest level.
    """

    def __init__(
        self,
        channels: Sequence[int],
        plan: DecoderPlan,
        outputs: dict[str, int],
        bridge: bool = True,
    ) -> None:
        super().__init__()
        self.bridge = bridge_block(channels[-1], plan.context, plan.separable) if bridge else None
        self.head_joins = plan.head_joins
        inputs = plan.context if bridge else 0
        self.blocks = nn.ModuleList()
        for stage, skip in zip(plan.stages, reversed(channels), strict=False):
            self.blocks.append(
                decoder_block(inputs + skip, stage.widths, stage.factor, plan.separable)
            )
            inputs = stage.widths[-1]
        if self.head_joins:
            inputs += channels[0]
        self.heads = nn.ModuleDict(
            {
                name: head(inputs, plan.head, width, plan.head_factor, plan.separable)
                for name, width in outputs.items()
            }
        )

    def forward(self, levels: list[Tensor]) -> dict[str, Tensor]:
        """Decode the encoder's levels, finest first, to the logits (B, C, H, W) of each head."""
        coarsest = levels[-1]
        features = [] if self.bridge is None else [self.bridge(coarsest)]
        joined = torch.cat([*features, coarsest], dim=1)
        for index, block in enumerate(self.blocks):
            if index > 0:
                joined = torch.cat([joined, levels[-1 - index]], dim=1)
            joined = block(joined)
        if self.head_joins:
            joined = torch.cat([joined, levels[0]], dim=1)
        return {name: last(joined) for name, last in self.heads.items()}


def guide(inputs: int, outputs: int, factor: int, separable: bool = False) -> nn.Sequential:
    """What brings the pyramid's context to a block: a convolution, norm, ReLU and enlargement."""
    return nn.Sequential(*conv_bn_relu(inputs, outputs, separable=separable), *upsample(factor))
