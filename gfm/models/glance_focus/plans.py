"""Widths and depths of the two decoders, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise


@dataclass(frozen=True)
class Stage:
    """One decoder block: channels after its three convolutions, then its enlargement."""

    widths: tuple[int, int, int]
    factor: int = 2


@dataclass(frozen=True)
class DecoderPlan:
    """Both decoders of one network; they mirror the encoder's levels from the coarsest on.

    Attributes:
        context: Channels of the pyramid pooling and of the bridge block.
        stages: The blocks, coarsest first.
        head: Channels of the convolutions before the last one.
        head_factor: Enlargement at the very end.
        head_joins: The head also takes a pyramid feature (glance) or the finest level (focus).
        separable: Convolutions over all channels are 3x3 on each channel, then 1x1.
    """

    context: int
    stages: tuple[Stage, ...]
    head: tuple[int, ...] = (64, 64)
    head_factor: int = 2
    head_joins: bool = True
    separable: bool = False

    def scaled(self, width: float) -> DecoderPlan:
        """The same plan with every channel count multiplied, rounded to multiples of 8."""
        if width == 1:
            return self

        def scale(channels: int) -> int:
            return max(8, round(channels * width / 8) * 8)

        stages = tuple(
            replace(s, widths=(scale(s.widths[0]), scale(s.widths[1]), scale(s.widths[2])))
            for s in self.stages
        )
        head = tuple(scale(c) for c in self.head)
        return replace(self, context=scale(self.context), stages=stages, head=head)


def classic_plan() -> DecoderPlan:
    """Decoders of the released `r34` and `d121`."""
    return plan_from_channels((64, 64, 128, 256, 512))


def wide_plan() -> DecoderPlan:
    """Decoders of the released `r101`, whose blocks narrow one convolution earlier."""
    return DecoderPlan(
        context=2048,
        stages=(
            Stage((2048, 1024, 1024)),
            Stage((1024, 512, 512)),
            Stage((512, 256, 256)),
            Stage((256, 128, 64)),
        ),
    )


def full_resolution_plan() -> DecoderPlan:
    """Decoders of the released `r34_2b`: six blocks, the last without enlargement, a bare head."""
    return DecoderPlan(
        context=512,
        stages=(
            Stage((512, 512, 512)),
            Stage((512, 512, 512)),
            Stage((512, 512, 256)),
            Stage((256, 256, 128)),
            Stage((128, 128, 64)),
            Stage((64, 64, 64), factor=1),
        ),
        head=(),
        head_factor=1,
        head_joins=False,
    )


def plan_from_channels(channels: Sequence[int]) -> DecoderPlan:
    """Decoders for an encoder with levels at strides 2, 4, ...: each block as wide as its level.

    Args:
        channels: Channels of the levels, finest first.

    Returns:
        A plan with one block for each level but the finest, and a head for that one. For the
        channels of ResNet-34 this is the paper's network.
    """
    coarse_first = tuple(reversed(channels))
    stages = tuple(Stage((level, level, finer)) for level, finer in pairwise(coarse_first))
    finest = channels[0]
    return DecoderPlan(context=coarse_first[0], stages=stages, head=(finest, finest))


_PUBLISHED = {
    "r34": classic_plan,
    "r34_2b": full_resolution_plan,
    "d121": classic_plan,
    "r101": wide_plan,
}


def decoder_plan(backbone: str, channels: Sequence[int]) -> DecoderPlan:
    """Decoders for an encoder: those of the paper or its released code, or from the channels.

    Args:
        backbone: As in `GFMConfig`.
        channels: Of the encoder's levels, finest first.
    """
    published = _PUBLISHED.get(backbone)
    return plan_from_channels(channels) if published is None else published()
