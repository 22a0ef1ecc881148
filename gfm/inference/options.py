"""The options of matting, checked once for all ways in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, get_args

from gfm.inference.memory import parse_memory
from gfm.models.glance_focus.config import GFMConfig
from rssn.imaging.errors import InputError, check_choice

if TYPE_CHECKING:
    from gfm.inference.matting_model import MattingModel

Strategy = Literal["hybrid", "resize", "full"]
ForegroundMethod = Literal["multilevel", "closed_form", "none"]
Augmentation = Literal["none", "glance", "flip", "full"]
Refinement = Literal["none", "fba"]

D1, D2 = 3.0, 2.0  # of the paper


@dataclass(frozen=True)
class MatteOptions:
    """How a photograph is matted.

    Attributes:
        strategy: `hybrid` takes the glance from the image at 1/d1 and the focus at 1/d2 and fuses
            them at full size; `resize` is one pass at 1/d2; `full` one at full size. An integrating
            (RIM) network always makes one pass, at 1/d1 unless the strategy is `full`.
        d1: Reduction for the glance, 1 or more; None is what the model asks for (`glance_side` of
            its configuration), or the paper's 3.
        d2: Reduction for the focus, likewise (`focus_side`); the paper's is 2.
        foreground: How colours behind the soft edges are estimated; `none` keeps the image's, which
            shows the old background around hair.
        refine: `fba` lets image, matte and colours correct each other once more.
        augmentation: What else the network sees, to average over: nothing, the mirror image
            (`flip`, twice the time), or both also at 0.8 and 1.25 of the size (`full`, six times).
            `glance` leaves the focus of the hybrid strategy alone and takes the glance in both ways
            at 1, 7/8 and 3/4 of its size. None is `glance` for a model that asks for a size of its
            glance, so small that it costs little, else `none`.
        max_memory: Most bytes that the process may hold, or text such as `4GB`. With a limit, the
            hybrid strategy keeps to 1/d2 however large the image is: where the glance sees
            transition, the focus is taken in overlapping tiles that fit the limit.
    """

    strategy: Strategy = "hybrid"
    d1: float | None = None
    d2: float | None = None
    foreground: ForegroundMethod = "multilevel"
    refine: Refinement = "none"
    augmentation: Augmentation | None = None
    max_memory: str | int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not supported, with those that are.
        """
        for name, kind in (
            ("strategy", Strategy),
            ("foreground", ForegroundMethod),
            ("refine", Refinement),
            ("augmentation", Augmentation),
        ):
            value = getattr(self, name)
            if value is not None or name != "augmentation":
                check_choice(name, value, get_args(kind))
        for name in ("d1", "d2"):
            value = getattr(self, name)
            if value is None:
                continue
            if not 1 <= value < float("inf"):
                raise InputError(
                    f"{name}={value}: a reduction is 1 or more; the paper has d1=3, d2=2"
                )
        if self.refine != "none" and self.foreground == "none":
            raise InputError(
                "refine='fba' corrects estimated colours; choose foreground='multilevel' or "
                "'closed_form' with it"
            )
        parse_memory(self.max_memory)

    @property
    def memory_limit(self) -> int | None:
        """The limit in bytes."""
        return parse_memory(self.max_memory)

    def for_passes(self, models: Sequence[MattingModel], height: int, width: int) -> PassOptions:
        """The same options with the passes that the models ask for.

        Args:
            models: One network, or those of an ensemble, of which the first decides.
            height: Of the photograph in px.
            width: Of the photograph in px.
        """
        values = {option.name: getattr(self, option.name) for option in fields(MatteOptions)}
        asked = models[0].config
        values["d1"], values["d2"] = reductions(asked, self.d1, self.d2, min(height, width))
        if self.augmentation is None:
            values["augmentation"] = "none" if asked.glance_side is None else "glance"
        return PassOptions(**values, squeeze=asked.is_released)


def reductions(
    config: GFMConfig, d1: float | None, d2: float | None, shorter: int | None = None
) -> tuple[float | None, float | None]:
    """Reductions for glance and focus: those given, else the model's own, else the paper's.

    Args:
        config: Of the model.
        d1: As in `MatteOptions`.
        d2: As in `MatteOptions`.
        shorter: Shorter side of the photograph in px; None leaves what depends on it at None.
    """

    def one(given: float | None, side: int | None, usual: float) -> float | None:
        if given is not None or side is None:
            return usual if given is None else given
        return None if shorter is None else max(1.0, shorter / side)

    return one(d1, config.glance_side, D1), one(d2, config.focus_side, D2)


@dataclass(frozen=True)
class PassOptions(MatteOptions):
    """The options for photographs of one size: nothing is left to the model.

    Attributes:
        squeeze: Limit each side of a pass by itself (`pass_size`), as converted released
            checkpoints were tested.
    """

    d1: float = D1
    d2: float = D2
    augmentation: Augmentation = "none"
    squeeze: bool = False
