"""Options of an FBA network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gfm.blocks.standardisation import Standardisation
from gfm.encoders.dilated import Norm
from rssn.imaging.errors import check_choice

Activation = Literal["clamp", "sigmoid"]
Outputs = Literal["alpha", "alpha_fb"]


@dataclass(frozen=True)
class FBAConfig:
    """An FBA network; the default is the published one.

    Attributes:
        norm: `group`, with weight standardisation in encoder and decoder, or `batch`, with it in
            the decoder alone and a stem of three convolutions (rows 1 to 4 of the ablation).
        standardisation: Form of the weight standardisation.
        activation: Of alpha: `clamp` to [0, 1], or `sigmoid` (rows 1 to 6 and 8 to 9).
        outputs: `alpha_fb` predicts alpha, F and B; `alpha` alpha alone (rows 1 to 7).
    """

    norm: Norm = "group"
    standardisation: Standardisation = "2020"
    activation: Activation = "clamp"
    outputs: Outputs = "alpha_fb"

    def __post_init__(self) -> None:
        choices = {
            "norm": Norm,
            "standardisation": Standardisation,
            "activation": Activation,
            "outputs": Outputs,
        }
        for name, allowed in choices.items():
            check_choice(name, getattr(self, name), get_args(allowed))
