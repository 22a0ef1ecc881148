"""Sizes of the EfficientNet-Lite encoders; importing them loads no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LiteShape:
    """Depths and widths of an EfficientNet-Lite, stage by stage.

    Attributes:
        depths: Blocks.
        widths: Channels.
    """

    depths: tuple[int, ...]
    widths: tuple[int, ...]


LITE_SHAPES = {
    "tf_efficientnet_lite0": LiteShape((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)),
    "tf_efficientnet_lite1": LiteShape((1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320)),
    "tf_efficientnet_lite2": LiteShape((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)),
}
"""By timm's names."""
