"""Options of a network of interactive segmentation."""

from __future__ import annotations

from dataclasses import dataclass

from gfm.models.config import IMAGENET_MEAN, IMAGENET_STD, SystemConfig
from rssn.imaging.errors import InputError

DILATED = "dilated_resnet50"


@dataclass(frozen=True)
class ClicksConfig(SystemConfig):
    """A network of interactive segmentation; the default is the published one.

    Attributes:
        backbone: `dilated_resnet50`, or an encoder of `gfm.encoders.build.build_encoder` with
            levels at strides 2 to 32.
        stream: The interaction stream (+I of the ablation). Without it the previous matte is a
            further channel of the image stream.
        feedback: The previous matte is fed back (+F); False puts 0 in its place in the stream.
        guided_filter: The learned guided filter ends the network (+G).
        width: Factor on the channels of interaction stream and decoder; 1 is published.
        mean: Subtracted from the image in [0, 1], per channel.
        std: Divisor of the difference, per channel.
    """

    backbone: str = DILATED
    stream: bool = True
    feedback: bool = True
    guided_filter: bool = True
    width: float = 1.0
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not supported.
        """
        if not isinstance(self.backbone, str):
            raise InputError(
                f"backbone={self.backbone!r} is not a name; give '{DILATED}' or 'timm:NAME'"
            )
        for name in ("stream", "feedback", "guided_filter"):
            if not isinstance(value := getattr(self, name), bool):
                raise InputError(f"{name}={value!r}: give true or false")
        if isinstance(self.width, bool) or not 0 < self.width <= 4:
            raise InputError(f"width={self.width!r}: give a number above 0, at most 4")
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
