"""Configuration of an AdaMatting network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gfm.models.config import IMAGENET_MEAN, IMAGENET_STD, SystemConfig
from rssn.imaging.errors import InputError, check_choice

Encoding = Literal["levels", "distances"]
MOST_STEPS = 20


@dataclass(frozen=True)
class AdaMattingConfig(SystemConfig):
    """One AdaMatting network; the defaults are those of the paper.

    Attributes:
        backbone: An encoder of `gfm.encoders.build.build_encoder` with levels at strides 2 to 32.
        steps: Recurrences of the propagation unit; 0 leaves the unit out (table 2, "-PU").
        two_networks: Adapt the trimap and estimate alpha with an encoder each, one after the other
            (section 5.1, "Seq-AdaMatting").
        alpha_weight: Fixed weight σ of the alpha loss beside 1 - σ of the trimap loss (equation 5);
            1 trains alpha alone, on the given trimap. None learns both weights (equation 3).
        trimap_encoding: How the encoder sees the given trimap: one channel of `levels` 0, 0.5 and
            1, or the masks and `distances` of FBA.
        mean: Subtracted from the image in [0, 1], per channel.
        std: Divisor of the difference, per channel.
    """

    backbone: str = "timm:resnet50"
    steps: int = 3
    two_networks: bool = False
    alpha_weight: float | None = None
    trimap_encoding: Encoding = "levels"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: An unsupported value, with the supported ones.
        """
        check_choice("trimap_encoding", self.trimap_encoding, get_args(Encoding))
        if isinstance(self.steps, bool) or self.steps not in range(MOST_STEPS + 1):
            raise InputError(
                f"steps={self.steps!r} is not supported; choose 0 (no propagation unit) to "
                f"{MOST_STEPS}, the paper has 3"
            )
        if self.alpha_weight is not None and not 0 <= self.alpha_weight <= 1:
            raise InputError(
                f"alpha_weight={self.alpha_weight!r} is not supported; choose a number from 0 to "
                "1, or None to learn both weights"
            )
