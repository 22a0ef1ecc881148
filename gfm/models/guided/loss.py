"""Losses of the light guided network, those of FBA (its table 1) in a form that is cheap on a CPU.

All terms of alpha are of its error inside the unknown region, since known pixels are set: a
Laplacian pyramid is linear, so one pyramid of the error does for two of the mattes.
Alpha is compared both before and after the fusion with the image, of which FBA trains the first.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from gfm.blocks.fusion import fuse

LEVELS = 4
PLAIN_WEIGHT = 0.5  # of the losses of alpha before its fusion with the image
COLOUR_WEIGHT = 0.25  # of the losses of F and B
HIDDEN = 0.1  # weight of F where the object is clear, and of B where it is opaque
POWER = 0.5  # weight of a sample by its unknown pixels, to this power


def losses(
    made: tuple[Tensor, Tensor, Tensor],
    image: Tensor,
    alpha: Tensor,
    unknown: Tensor,
    colours: tuple[Tensor, Tensor],
    composed: Tensor,
) -> dict[str, Tensor]:
    """The terms on a batch, and `total`.

    Args:
        made: Alpha (B, 1, H, W), F and B (B, 3, H, W) as predicted.
        image: RGB (B, 3, H, W) in [0, 1].
        alpha: True matte (B, 1, H, W).
        unknown: 1 where the trimap is unknown, else 0 (B, 1, H, W).
        colours: True F and B (B, 3, H, W), anything where they are not known.
        composed: 1 for samples with known F and B, else 0 (B,).
    """
    share = weights(unknown)
    error = (made[0] - alpha) * unknown
    terms = {"alpha": weighted(error, share), "laplacian": laplacian(error, share)}
    fused = (fuse(image, *made)[0] - alpha) * unknown
    terms["fused"] = weighted(fused, share) + laplacian(fused, share)
    # C - a F - (1 - a) B, up to what noise, JPEG and rounding did to C
    apart = (colours[0] - colours[1]).abs().sum(dim=1, keepdim=True)
    terms["composition"] = weighted(error.abs() * apart, share * composed.view(-1, 1, 1, 1))
    known = composed.view(-1, 1, 1, 1) / composed.sum().clamp(min=1) / alpha[0].numel()
    seen = (alpha.clamp(min=HIDDEN), (1 - alpha).clamp(min=HIDDEN))
    wrong = [(m - t) * s for m, t, s in zip(made[1:], colours, seen, strict=True)]
    both = torch.cat(wrong, dim=1)
    terms["colours"] = weighted(both, known)
    terms["colours_laplacian"] = laplacian(both, known)
    mixed = alpha * made[1] + (1 - alpha) * made[2]
    everywhere = torch.full_like(known, 1 / (len(alpha) * alpha[0].numel()))
    terms["colours_composition"] = weighted(image - mixed, everywhere)
    of_alpha = terms["alpha"] + terms["laplacian"] + terms["composition"]
    of_colours = terms["colours"] + terms["colours_laplacian"] + terms["colours_composition"]
    terms["total"] = PLAIN_WEIGHT * of_alpha + terms["fused"] + COLOUR_WEIGHT * of_colours
    return terms


def weights(unknown: Tensor) -> Tensor:
    """Weight of each pixel of a sample (B, 1, 1, 1): over unknown pixels they sum to 1."""
    counts = unknown.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    share = counts**POWER
    return share / share.sum() / counts


def weighted(error: Tensor, share: Tensor) -> Tensor:
    """Sum of |error| (B, C, H, W) over all channels and pixels, by the share of each sample."""
    total: Tensor = (error.abs().sum(dim=(1, 2, 3)) * share.view(-1)).sum()
    return total


def laplacian(error: Tensor, share: Tensor) -> Tensor:
    """Sum of the levels of the pyramid of an error, each 2^s times its weighted absolute sum.

    A pixel of level s stands for 4^s of the error.
    """
    sums = [8**level * weighted(band, share) for level, band in enumerate(bands(error))]
    return torch.stack(sums).sum().div(2**LEVELS - 1)


def bands(x: Tensor) -> Iterator[Tensor]:
    """Each level of a Laplacian pyramid, finest first; averages of 2 x 2, enlarged bilinearly."""
    for _ in range(LEVELS):
        smaller = functional.avg_pool2d(x, 2)
        yield x - functional.interpolate(smaller, scale_factor=2.0, mode="bilinear")
        x = smaller
