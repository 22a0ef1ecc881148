"""Configuration of a GFM network."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Literal, get_args

from gfm.models.config import IMAGENET_MEAN, IMAGENET_STD, SystemConfig
from rssn.imaging.errors import InputError, check_choice

Rosta = Literal["TT", "FT", "BT", "RIM"]
SingleRosta = Literal["TT", "FT", "BT"]
Pyramid = Literal["all", "one", "none"]
PyramidJoin = Literal["concatenate", "sum"]
Activation = Literal["softmax", "sigmoid"]

RELEASED_MEAN = (0.0, 0.0, 0.0)
RELEASED_STD = (1 / 255, 1 / 255, 1 / 255)
WIDEST = 8  # a network of this width has 50 times the weights


@dataclass(frozen=True)
class GFMConfig(SystemConfig):
    """One GFM network.

    Attributes:
        backbone: `r34`, `r34_2b`, `d121` or `r101` of the paper, or `timm:NAME` for any timm
            encoder with feature maps.
        rosta: Representation of semantics and transition (paper, section 3.4), or `RIM` for the
            integration of all three (section 5.5.1).
        width: Factor on the channels of the decoders; 1 is the paper's.
        pyramid: Pyramid pooling feeds all glance blocks (the paper), only the deepest (`one`), or
            none (ablation of table 4).
        bridge: The focus decoder has its bridge block; False is an ablation of table 4.
        single_decoder: One decoder predicts both tasks; an ablation of table 4.
        glance_activation: Softmax over the glance classes; `sigmoid` of each logit is what released
            checkpoints expect.
        mean: Subtracted from the image in [0, 1], per channel.
        std: What the difference is divided by, per channel.
        separable: The decoders' convolutions are 3x3 on each channel, then 1x1 over the channels.
        glance_side: Shorter side of a photograph, in px, at which the weights see best what the
            object is; None is a third of the photograph's, as in the paper. It decides no layer.
            So small a pass costs little, and is by default the mean over the mirrored photograph
            too (`augmentation` of `gfm.MatteOptions`).
        focus_side: Likewise, in px at which they see edges best; None is half of the photograph's.
        pyramid_join: How the pyramid's features join those of a glance block: `concatenate` or
            `sum`.

    Note:
        The paper sums (section 3.2, figure 2), its released code concatenates; so do we by default.
        The published numbers of parameters are those of concatenation.
    """

    backbone: str = "r34"
    rosta: Rosta = "TT"
    width: float = 1.0
    pyramid: Pyramid = "all"
    bridge: bool = True
    single_decoder: bool = False
    glance_activation: Activation = "softmax"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    separable: bool = False
    glance_side: int | None = None
    focus_side: int | None = None
    pyramid_join: PyramidJoin = "concatenate"

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not supported, with those that are.
        """
        for name, kind in (
            ("rosta", Rosta),
            ("pyramid", Pyramid),
            ("pyramid_join", PyramidJoin),
            ("glance_activation", Activation),
        ):
            check_choice(name, getattr(self, name), get_args(kind))
        if not isinstance(self.backbone, str):
            raise InputError(f"backbone={self.backbone!r} is no name; give 'r34' or 'timm:NAME'")
        for name in ("bridge", "single_decoder", "separable"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name}={getattr(self, name)!r}: give true or false")
        if not _is_number(self.width) or not 0 < self.width <= WIDEST:
            raise InputError(
                f"width={self.width!r}: give a number above 0, at most {WIDEST}; 1.0 is the "
                "paper's, 0.25 is slim"
            )
        for name in ("glance_side", "focus_side"):
            side = getattr(self, name)
            if side is not None and (not isinstance(side, int) or side < 32):
                raise InputError(f"{name}={side!r}: give 32 px or more, or None")
        for name in ("mean", "std"):
            value = getattr(self, name)
            if not isinstance(value, list | tuple) or len(value) != 3:
                raise InputError(f"{name}={value!r}: give three numbers, one a channel")
            if not all(_is_number(each) for each in value):
                raise InputError(f"{name}={value!r} holds what is no number; give three numbers")
            object.__setattr__(self, name, tuple(float(v) for v in value))
        if not all(value > 0 for value in self.std):
            raise InputError(f"std={self.std} holds a value that is not positive")

    def layers(self) -> GFMConfig:
        """The configuration with the defaults of all that decides no layer."""
        usual = GFMConfig()
        others = ("glance_activation", "glance_side", "focus_side", "mean", "std")
        return replace(self, **{name: getattr(usual, name) for name in others})

    @property
    def rostas(self) -> tuple[SingleRosta, ...]:
        """The representations whose heads the network has, in the order of their fusion."""
        return single_rostas(self.rosta)

    @property
    def is_released(self) -> bool:
        """The network is a converted checkpoint of the released code, and is tested as there."""
        return self.glance_activation == "sigmoid"


def single_rostas(rosta: Rosta) -> tuple[SingleRosta, ...]:
    """The representations that `rosta` stands for: itself, or for RIM all three."""
    return ("TT", "FT", "BT") if rosta == "RIM" else (rosta,)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max  # not for NaN, nor whole numbers too large for a float
