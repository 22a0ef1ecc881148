"""Options of an FBA network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gfm.blocks.standardisation import Standardisation
from gfm.encoders.dilated import Norm
from gfm.models.config import IMAGENET_MEAN, IMAGENET_STD, SystemConfig
from rssn.imaging.errors import InputError, check_choice

Activation = Literal["clamp", "sigmoid"]
Outputs = Literal["alpha", "alpha_fb"]
DILATED = "dilated_resnet50"


@dataclass(frozen=True)
class FBAConfig(SystemConfig):
    """An FBA network; the default is the published one.

    Attributes:
        backbone: `dilated_resnet50`, or an encoder of `gfm.encoders.build.build_encoder` with
            levels at strides 2 to 32.
        norm: `group`, with weight standardisation in encoder and decoder, or `batch`, with it in
            the decoder alone and a stem of three convolutions (rows 1 to 4 of the ablation).
            Another backbone keeps its own norms.
        standardisation: Form of the weight standardisation.
        activation: Of alpha: `clamp` to [0, 1], or `sigmoid` (rows 1 to 6, 8 and 9).
        outputs: `alpha_fb` predicts alpha, F and B; `alpha` alpha alone (rows 1 to 7).
        mean: Subtracted from the image in [0, 1], per channel.
        std: Divisor of the difference, per channel.
    """

    backbone: str = DILATED
    norm: Norm = "group"
    standardisation: Standardisation = "2020"
    activation: Activation = "clamp"
    outputs: Outputs = "alpha_fb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    @property
    def multiple(self) -> int:
        """Sides of the input for which the levels of the network lie exactly over each other."""
        return 8 if self.backbone == DILATED else 32

    @property
    def predicted(self) -> tuple[str, ...]:
        """Names of what the network predicts."""
        alpha_alone = self.outputs == "alpha"
        return ("alpha",) if alpha_alone else ("alpha", "foreground", "background")

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not supported, with those that are.
        """
        if not isinstance(self.backbone, str):
            raise InputError(
                f"backbone={self.backbone!r} is not a name; give '{DILATED}' or 'timm:NAME'"
            )
        choices = {
            "norm": Norm,
            "standardisation": Standardisation,
            "activation": Activation,
            "outputs": Outputs,
        }
        for name in ("mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists
        for name, allowed in choices.items():
            check_choice(name, getattr(self, name), get_args(allowed))
