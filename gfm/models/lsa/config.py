"""Configuration of an LSA network."""

from __future__ import annotations

from dataclasses import dataclass

from rssn.imaging.errors import InputError


@dataclass(frozen=True)
class LSAConfig:
    """One LSA network.

    Attributes:
        backbone: Encoder, as `gfm.encoders.build.build_encoder` takes it; `timm:resnet50d` is the
            published one, ResNet-50-D.
    """

    backbone: str = "timm:resnet50d"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: The backbone is not a name.
        """
        if not isinstance(self.backbone, str):
            raise InputError(
                f"backbone={self.backbone!r} is not a name; give 'timm:resnet50d' or 'timm:NAME'"
            )
