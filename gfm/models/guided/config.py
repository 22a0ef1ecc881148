"""Configuration of the light guided network."""

from __future__ import annotations

from dataclasses import dataclass

from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.models.config import SystemConfig
from rssn.imaging.errors import InputError


@dataclass(frozen=True)
class GuidedConfig(SystemConfig):
    """The network to assemble.

    Attributes:
        backbone: An EfficientNet-Lite, by timm's name.
        widths: Channels of the decoder at strides 32, 16, 8, 4 and 2.
        full: Channels of the layers at full resolution.
        mean: Subtracted from images in [0, 1], per channel.
        std: The difference is divided by it, per channel.
    """

    backbone: str = "tf_efficientnet_lite0"
    widths: tuple[int, ...] = (128, 96, 64, 48, 32)
    full: int = 16
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: An unknown backbone, or widths that are not five numbers above 0.
        """
        for name in ("widths", "mean", "std"):  # as JSON gives them
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.backbone not in LITE_SHAPES:
            raise InputError(
                f"backbone={self.backbone!r} is not supported; choose from {', '.join(LITE_SHAPES)}"
            )
        if len(self.widths) != 5 or min(*self.widths, self.full) < 1:
            raise InputError(
                f"widths={self.widths}, full={self.full}: give five widths and one, each at least 1"
            )
