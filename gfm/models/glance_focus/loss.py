"""The objective of a whole network: which loss is taken of which output, and how they add up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, get_args

import torch
from torch import Tensor, nn

from gfm.losses.terms import charbonnier_loss, composition_loss, cross_entropy, laplacian_loss
from rssn.imaging.errors import InputError, check_choice

Preset = Literal["paper", "released"]
Terms = dict[str, Tensor]


class Prediction(Protocol):
    """What the network says under one representation, as the losses read it."""

    @property
    def glance_logits(self) -> Tensor:
        """Class logits (B, C, H, W)."""

    @property
    def focus(self) -> Tensor:
        """Fractional part (B, 1, H, W) in [0, 1]."""

    @property
    def alpha(self) -> Tensor:
        """The fused matte (B, 1, H, W)."""


class RimPrediction(Protocol):
    """What a network says that integrates the three representations."""

    @property
    def tt(self) -> Prediction:
        """Trimap representation."""

    @property
    def ft(self) -> Prediction:
        """Foreground representation."""

    @property
    def bt(self) -> Prediction:
        """Background representation."""

    @property
    def alpha(self) -> Tensor:
        """The integrated matte (B, 1, H, W)."""


class Targets(Protocol):
    """The targets of one representation, made from the true matte."""

    @property
    def glance(self) -> Tensor:
        """Class of each pixel (B, H, W), int64."""

    @property
    def focus(self) -> Tensor:
        """Target of the focus decoder (B, 1, H, W) in [0, 1]."""

    @property
    def region(self) -> Tensor:
        """Region in which the focus decoder is trained, 0 or 1 (B, 1, H, W).

        The transition class for TT. By default everything outside the foreground mask for FT, and
        everything inside the background mask for BT; see
        `gfm.models.glance_focus.rosta.make_labels`.
        """


@dataclass(frozen=True)
class Truth:
    """What a fused matte is compared with.

    Attributes:
        image: RGB (B, 3, H, W) in [0, 1].
        alpha: True matte (B, 1, H, W) in [0, 1].
        foreground: Foreground colours (B, 3, H, W), where they are known.
        background: Background colours, likewise.
    """

    image: Tensor
    alpha: Tensor
    foreground: Tensor | None = None
    background: Tensor | None = None


DecoderTerm = Callable[[Prediction, Targets], Tensor]
MatteTerm = Callable[[Tensor, Truth], Tensor | None]


def _composition(pred: Tensor, truth: Truth) -> Tensor | None:
    if truth.foreground is None or truth.background is None:
        return None
    return composition_loss(pred, truth.image, truth.foreground, truth.background)


def _of_decoders(term: DecoderTerm, factor: float = 1.0) -> Any:  # noqa: ANN401 - as dataclasses.field
    """A field of `LossWeights`: a term of what the decoders say under one representation."""
    return dataclasses.field(default=factor, metadata={"of": "decoders", "term": term})


def _of_matte(term: MatteTerm, factor: float = 1.0) -> Any:  # noqa: ANN401
    """A field of `LossWeights`: a term of the fused matte; left out where it gives None."""
    return dataclasses.field(default=factor, metadata={"of": "matte", "term": term})


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

    glance: float = _of_decoders(lambda said, told: cross_entropy(said.glance_logits, told.glance))
    focus_alpha: float = _of_decoders(
        lambda said, told: charbonnier_loss(said.focus, told.focus, told.region)
    )
    focus_laplacian: float = _of_decoders(
        lambda said, told: laplacian_loss(said.focus, told.focus, told.region)
    )
    alpha: float = _of_matte(lambda pred, truth: charbonnier_loss(pred, truth.alpha))
    laplacian: float = _of_matte(lambda pred, truth: laplacian_loss(pred, truth.alpha))
    composition: float = _of_matte(_composition)

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
        output: Prediction,
        labels: Targets,
        image: Tensor,
        alpha: Tensor,
        foreground: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Terms:
        """Compare the output of the network with the truth.

        Args:
            output: What the network said.
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
        terms = {name: term(output, labels) for name, term in _DECODER_TERMS.items()}
        terms |= _matte_terms(output.alpha, Truth(image, alpha, foreground, background))
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
        output: RimPrediction,
        labels: Mapping[str, Targets],
        image: Tensor,
        alpha: Tensor,
        foreground: Tensor | None = None,
        background: Tensor | None = None,
    ) -> Terms:
        """Compare the output of the network with the truth.

        Args:
            output: What the network said.
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
        terms = _matte_terms(output.alpha, Truth(*truth))
        total = _weighted_sum(terms, self.group.weights)
        parts: tuple[tuple[str, Prediction], ...]
        parts = (("TT", output.tt), ("FT", output.ft), ("BT", output.bt))
        for rosta, part in parts:
            group = self.group(part, labels[rosta], *truth)
            total = total + group.pop("total")
            terms |= {f"{rosta.lower()}_{name}": value for name, value in group.items()}
        return {**terms, "total": total}


def _terms_of(what: str) -> dict[str, Any]:
    fields = dataclasses.fields(LossWeights)
    return {field.name: field.metadata["term"] for field in fields if field.metadata["of"] == what}


_DECODER_TERMS: dict[str, DecoderTerm] = _terms_of("decoders")
_MATTE_TERMS: dict[str, MatteTerm] = _terms_of("matte")


def _matte_terms(pred: Tensor, truth: Truth) -> Terms:
    """The terms of collaborative matting (equation 6), on the whole image."""
    made = {name: term(pred, truth) for name, term in _MATTE_TERMS.items()}
    return {name: value for name, value in made.items() if value is not None}


def _weighted_sum(terms: Terms, weights: LossWeights) -> Tensor:
    total = torch.zeros_like(terms["alpha"])
    for name, value in terms.items():
        total = total + getattr(weights, name) * value
    return total
