"""Configuration of the light click network."""

from __future__ import annotations

from dataclasses import dataclass

from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.models.config import SystemConfig
from rssn.imaging.errors import InputError

MULTIPLE = 32  # of the sides of the working size


@dataclass(frozen=True)
class LightClicksConfig(SystemConfig):
    """The network to assemble.

    Attributes:
        backbone: An EfficientNet-Lite, by timm's name.
        widths: Channels of the click part at strides 2, 4, 8, 16 and 32.
        side: Longer side of the working size in px; photographs are resized to it.
        mean: Subtracted from images in [0, 1], per channel.
        std: The difference is divided by it, per channel.
    """

    backbone: str = "tf_efficientnet_lite0"
    widths: tuple[int, ...] = (16, 48, 64, 128, 192)
    side: int = 384
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: An unknown backbone, widths that are not five numbers above 0, or a side
                that is no multiple of 32.
        """
        for name in ("widths", "mean", "std"):  # as JSON gives them
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.backbone not in LITE_SHAPES:
            raise InputError(
                f"backbone={self.backbone!r} is not supported; choose from {', '.join(LITE_SHAPES)}"
            )
        if len(self.widths) != 5 or min(self.widths) < 1:
            raise InputError(f"widths={self.widths}: give five, each at least 1")
        if self.widths[3] % 4:
            raise InputError(f"widths={self.widths}: the fourth is a multiple of 4, for its heads")
        if self.side < MULTIPLE or self.side % MULTIPLE:
            raise InputError(f"side={self.side}: give a multiple of {MULTIPLE}")
