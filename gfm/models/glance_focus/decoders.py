"""The glance and the focus decoder (paper, sections 3.2 and 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gfm.blocks.convolutions import (
    PyramidPooling,
    bridge_block,
    conv_bn_relu,
    decoder_block,
    head,
    upsample,
)
from gfm.models.glance_focus.config import Pyramid, PyramidJoin, SingleRosta
from gfm.models.glance_focus.plans import DecoderPlan

GLANCE_CLASSES: dict[SingleRosta, int] = {"TT": 3, "FT": 2, "BT": 2}


class GlanceDecoder(nn.Module):
    """Finds the object: pyramid-pooled context goes into every block, no skips from the encoder.

    Args:
        channels: Channels of the coarsest encoder level.
        plan: Widths of the blocks.
        rostas: The representations to predict; each has a head of its own.
        pyramid: Which blocks the pyramid pooling feeds.
        join: How its features join those of a block.

    Note:
        The paper sums them, the released code concatenates.
    """

    def __init__(
        self,
        channels: int,
        plan: DecoderPlan,
        rostas: Sequence[SingleRosta],
        pyramid: Pyramid = "all",
        join: PyramidJoin = "concatenate",
    ) -> None:
        super().__init__()
        self.sums = join == "sum"
        context = channels if self.sums else plan.context
        concatenated = 1 if self.sums else 2
        self.pyramid = None if pyramid == "none" else PyramidPooling(channels, context)
        self.guides = nn.ModuleList()
        self.blocks = nn.ModuleList()
        self.head_joins = plan.head_joins and pyramid == "all"
        inputs, factor = channels, 1
        for index, stage in enumerate(plan.stages):
            if index > 0 and pyramid == "all":
                self.guides.append(guide(context, inputs, factor, plan.separable))
                inputs *= concatenated
            elif index == 0 and self.pyramid is not None and not self.sums:
                inputs += context
            self.blocks.append(decoder_block(inputs, stage.widths, stage.factor, plan.separable))
            inputs, factor = stage.widths[-1], factor * stage.factor
        if self.head_joins:
            self.guides.append(guide(context, inputs, factor, plan.separable))
            inputs *= concatenated
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
            features = self._join(context, coarsest)
        for index, block in enumerate(self.blocks):
            if index > 0 and len(self.guides) > 0:
                features = self._join(self.guides[index - 1](context), features)
            features = block(features)
        if self.head_joins:
            features = self._join(self.guides[-1](context), features)
        return {rosta: last(features) for rosta, last in self.heads.items()}

    def _join(self, context: Tensor, features: Tensor) -> Tensor:
        return context + features if self.sums else torch.cat([context, features], dim=1)


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
    """Bridge from the pyramid's context to a block: a convolution, norm, ReLU and enlargement."""
    return nn.Sequential(*conv_bn_relu(inputs, outputs, separable=separable), *upsample(factor))
