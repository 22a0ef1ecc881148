"""Options of GFM's passes over one photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from gfm.models.contract import MattingModel
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.options import Augmentation, ForegroundMethod, MatteOptions, Strategy

D1, D2 = 3.0, 2.0  # of the paper


@dataclass(frozen=True)
class PassOptions(MatteOptions):
    """The options for photographs of one size: nothing is left to the model.

    Attributes:
        squeeze: Limit each side of a pass by itself (`pass_size`), as converted released
            checkpoints were tested.
    """

    strategy: Strategy = "hybrid"
    d1: float = D1
    d2: float = D2
    foreground: ForegroundMethod = "blur"
    augmentation: Augmentation = "none"
    squeeze: bool = False


def pass_options(
    options: MatteOptions, models: Sequence[MattingModel], height: int, width: int
) -> PassOptions:
    """The same options with the passes that the models ask for.

    Args:
        options: Of the call.
        models: One network, or those of an ensemble, of which the first decides.
        height: Of the photograph in px.
        width: Of the photograph in px.
    """
    values = {option.name: getattr(options, option.name) for option in fields(MatteOptions)}
    asked = models[0].config
    values["d1"], values["d2"] = reductions(asked, options.d1, options.d2, min(height, width))
    values["strategy"] = options.strategy or "hybrid"
    values["foreground"] = options.foreground or "blur"
    if options.augmentation is None:
        values["augmentation"] = "none" if asked.glance_side is None else "flip"
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
