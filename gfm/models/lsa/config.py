"""Configuration of an LSA network."""

from __future__ import annotations

from dataclasses import dataclass

from gfm.models.config import IMAGENET_MEAN, IMAGENET_STD, SystemConfig
from rssn.imaging.errors import InputError


@dataclass(frozen=True)
class LSAConfig(SystemConfig):
    """One LSA network.

    Attributes:
        backbone: Encoder, as `gfm.encoders.build.build_encoder` takes it; `timm:resnet50d` is the
            published one, ResNet-50-D.
        mean: Subtracted from the image in [0, 1], per channel.
        std: Divisor of the difference, per channel.
    """

    backbone: str = "timm:resnet50d"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: The backbone is not a name, or there are not three means and deviations.
        """
        if not isinstance(self.backbone, str):
            raise InputError(
                f"backbone={self.backbone!r} is not a name; give 'timm:resnet50d' or 'timm:NAME'"
            )
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != 3:
                raise InputError(f"{name}={values!r}: give three numbers, one per channel")
            object.__setattr__(self, name, tuple(float(value) for value in values))
