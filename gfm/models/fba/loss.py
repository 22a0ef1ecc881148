"""The training loss of FBA (paper, equation 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from gfm.losses.layers import exclusion_loss, gradient_loss, l1_loss, recomposition_loss
from gfm.losses.pyramid import pyramid_loss
from gfm.losses.regions import RegionReduction
from gfm.models.fba.network import AlphaFB
from rssn.imaging.errors import InputError, check_choice

AlphaTerm = Literal["l1", "composition", "laplacian", "gradient"]
ColourTerm = Literal["l1", "composition", "laplacian", "exclusion"]
Region = Literal["unknown", "whole"]
Over = tuple[Tensor | None, RegionReduction]


@dataclass(frozen=True)
class LossConfig:
    """Terms of the loss and where they count; the default is that of the published network.

    Attributes:
        alpha: Terms of alpha.
        colours: Terms of F and B; none for a network of alpha alone.
        alpha_region: Where the terms of alpha count, `unknown` or `whole`.
        colours_region: Where those of F and B count.
        colours_weight: Of the terms of F and B together.

    Note:
        The paper does not say where the terms of alpha count, nor how they are reduced.
    """

    alpha: tuple[AlphaTerm, ...] = get_args(AlphaTerm)
    colours: tuple[ColourTerm, ...] = get_args(ColourTerm)
    alpha_region: Region = "unknown"
    colours_region: Region = "whole"
    colours_weight: float = 0.25

    def __post_init__(self) -> None:
        for name, allowed in (("alpha", AlphaTerm), ("colours", ColourTerm)):
            for term in getattr(self, name):
                check_choice(name, term, get_args(allowed))
        check_choice("alpha_region", self.alpha_region, get_args(Region))
        check_choice("colours_region", self.colours_region, get_args(Region))


def fba_loss(
    pred: AlphaFB,
    target: AlphaFB,
    image: Tensor,
    unknown: Tensor,
    config: LossConfig | None = None,
    reduction: RegionReduction = "mean",
) -> dict[str, Tensor]:
    """Terms of the loss and their `total`.

    Args:
        pred: Predicted alpha, F and B, not fused.
        target: True alpha, F and B.
        image: The composite C of the true ones (B, 3, H, W) in [0, 1].
        unknown: The unknown region of the trimap, 0 or 1 (B, 1, H, W).
        config: Which terms, and where.
        reduction: `mean` or `sum`.

    Returns:
        `alpha_l1`, ..., `colours_l1`, ..., as far as the configuration has them, and `total`.

    Raises:
        InputError: Colours that the terms need are missing.
    """
    config = config or LossConfig()
    regions = {"unknown": unknown, "whole": None}
    over = (regions[config.alpha_region], reduction)
    terms = {f"alpha_{term}": _alpha_term(term, pred, target, image, over) for term in config.alpha}
    total = pred.alpha.new_zeros(()) + sum(terms.values())
    over = (regions[config.colours_region], reduction)
    for term in config.colours:
        value = _colours_term(term, pred, target, image, over)
        terms[f"colours_{term}"] = value
        total = total + config.colours_weight * value
    return terms | {"total": total}


def _alpha_term(
    term: AlphaTerm, pred: AlphaFB, target: AlphaFB, image: Tensor, over: Over
) -> Tensor:
    if term == "composition":
        return recomposition_loss(image, pred.alpha, *_colours("target", target), *over)
    if term == "laplacian":
        return pyramid_loss(pred.alpha, target.alpha, over[0], reduction=over[1])
    return (l1_loss if term == "l1" else gradient_loss)(pred.alpha, target.alpha, *over)


def _colours_term(
    term: ColourTerm, pred: AlphaFB, target: AlphaFB, image: Tensor, over: Over
) -> Tensor:
    front, back = _colours("pred", pred)
    if term == "exclusion":
        return exclusion_loss(front, back, *over)
    if term == "composition":
        return recomposition_loss(image, target.alpha, front, back, *over)
    true_front, true_back = _colours("target", target)
    if term == "l1":
        return l1_loss(front, true_front, *over) + l1_loss(back, true_back, *over)
    region, reduction = over
    return pyramid_loss(front, true_front, region, reduction=reduction) + pyramid_loss(
        back, true_back, region, reduction=reduction
    )


def _colours(name: str, layers: AlphaFB) -> tuple[Tensor, Tensor]:
    if layers.foreground is None or layers.background is None:
        raise InputError(
            f"{name} has no foreground and background, which the loss needs; give both, or leave "
            "out the terms of the colours"
        )
    return layers.foreground, layers.background
