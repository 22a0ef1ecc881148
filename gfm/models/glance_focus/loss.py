"""The objective of a whole network: losses of its outputs, and their weighted sum."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

import torch
from torch import Tensor, nn

from gfm.losses.terms import charbonnier_loss, composition_loss, cross_entropy, laplacian_loss
from gfm.models.glance_focus.network import Matting, RimMatting
from gfm.models.glance_focus.targets import LabelPlanes
from rssn.imaging.errors import InputError, check_choice

Preset = Literal["paper", "released"]
Terms = dict[str, Tensor]


@dataclass(frozen=True)
class LossWeights:
    """The terms of the loss and their factors; by default they add up as in equation 8.

    Attributes:
        glance: Cross-entropy of the glance decoder.
        focus_alpha: Charbonnier loss of the focus decoder in its region.
        focus_laplacian: Laplacian loss of the focus decoder in its region.
        alpha: Charbonnier loss of the fused matte.
        laplacian: Laplacian loss of the fused matte.
        composition: Composition loss of the fused matte.
    """

    glance: float = 1.0
    focus_alpha: float = 1.0
    focus_laplacian: float = 1.0
    alpha: float = 1.0
    laplacian: float = 1.0
    composition: float = 1.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A factor that is negative or not finite.
        """
        for name, factor in dataclasses.asdict(self).items():
            if not (math.isfinite(factor) and factor >= 0):
                raise InputError(f"{name}={factor} is no weight; give a finite number from 0 on")

    @classmethod
    def preset(cls, name: Preset, **changed: float) -> Self:
        """Weights by name.

        Args:
            name: `paper` takes the defaults, `released` a quarter of each.
            changed: Factors in place of the preset's, by the name of their term.

        Raises:
            InputError: There is no such preset or term, or a factor that is no weight.
        """
        check_choice("weights", name, get_args(Preset))
        factor = 1.0 if name == "paper" else 0.25
        weights = {term: factor * value for term, value in dataclasses.asdict(cls()).items()}
        if unknown := sorted(changed.keys() - weights.keys()):
            raise InputError(f"the loss has no terms {unknown}; choose from {list(weights)}")
        return cls(**weights | changed)


class GFMLoss(nn.Module):
    """The loss of a network with one representation (equations 3, 6 and 8).

    Args:
        weights: Factors of the terms, or the name of a preset.

    Note:
        The released code trains the focus of FT and BT in the narrower band of TT; here the labels
        say where, by default all that the fusion reads.
    """

    def __init__(self, weights: LossWeights | Preset = "paper") -> None:
        super().__init__()
        self.weights = weights if isinstance(weights, LossWeights) else LossWeights.preset(weights)

    def forward(
        self,
        output: Matting,
        labels: LabelPlanes,
        image: Tensor,
        alpha: Tensor,
        foreground: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Terms:
        """Compare the output of the network with the truth.

        Args:
            output: What the network predicted.
            labels: Targets of the network's representation.
            image: RGB (B, 3, H, W) in [0, 1].
            alpha: True matte (B, 1, H, W) in [0, 1].
            foreground: Foreground colours (B, 3, H, W); without them, or the background's, there
                is no composition term.
            background: Background colours, likewise.

        Returns:
            Scalars: the terms before weighting, `glance`, `focus_alpha`, `focus_laplacian`,
            `alpha`, `laplacian` and `composition`, and `total`, their weighted sum.
        """
        terms = {
            "glance": cross_entropy(output.glance_logits, labels.glance),
            "focus_alpha": charbonnier_loss(output.focus, labels.focus, labels.region),
            "focus_laplacian": laplacian_loss(output.focus, labels.focus, labels.region),
            **_matte_terms(output.alpha, image, alpha, foreground, background),
        }
        return {**terms, "total": _weighted_sum(terms, self.weights)}


class RIMLoss(nn.Module):
    """The loss of an integrating network (paper, section 5.5.1).

    A full group for each representation, and the fusion group of the integrated matte.

    Args:
        weights: Factors of the terms in every group, or the name of a preset.

    Note:
        The released code compares the BT head with FT's outputs; here each head has its own labels.
    """

    def __init__(self, weights: LossWeights | Preset = "paper") -> None:
        super().__init__()
        self.group = GFMLoss(weights)

    def forward(
        self,
        output: RimMatting,
        labels: Mapping[str, LabelPlanes],
        image: Tensor,
        alpha: Tensor,
        foreground: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Terms:
        """Compare the output of the network with the truth.

        Args:
            output: What the network predicted.
            labels: Targets of each representation, under `TT`, `FT` and `BT`.
            image: RGB (B, 3, H, W) in [0, 1].
            alpha: True matte (B, 1, H, W) in [0, 1].
            foreground: Foreground colours (B, 3, H, W); without them, or the background's, there
                is no composition term.
            background: Background colours, likewise.

        Returns:
            Scalars: the terms of `GFMLoss` with `tt_`, `ft_` and `bt_` in front, `alpha`,
            `laplacian` and `composition` of the integrated matte, and `total`, the weighted sum of
            all.

        Raises:
            InputError: Targets of a representation are missing.
        """
        if missing := sorted({"TT", "FT", "BT"} - set(labels)):
            raise InputError(f"labels lack {', '.join(missing)}; RIM needs 'TT', 'FT' and 'BT'")
        truth = (image, alpha, foreground, background)
        terms = _matte_terms(output.alpha, *truth)
        total = _weighted_sum(terms, self.group.weights)
        for rosta, part in (("TT", output.tt), ("FT", output.ft), ("BT", output.bt)):
            group = self.group(part, labels[rosta], *truth)
            total = total + group.pop("total")
            terms |= {f"{rosta.lower()}_{name}": value for name, value in group.items()}
        return {**terms, "total": total}


def _matte_terms(
    pred: Tensor,
    image: Tensor,
    alpha: Tensor,
    foreground: Tensor | None,
    background: Tensor | None,
) -> Terms:
    """The terms of collaborative matting (equation 6), on the whole image."""
    terms = {"alpha": charbonnier_loss(pred, alpha), "laplacian": laplacian_loss(pred, alpha)}
    if foreground is not None and background is not None:
        terms["composition"] = composition_loss(pred, image, foreground, background)
    return terms


def _weighted_sum(terms: Terms, weights: LossWeights) -> Tensor:
    total = torch.zeros_like(terms["alpha"])
    for name, value in terms.items():
        total = total + getattr(weights, name) * value
    return total
