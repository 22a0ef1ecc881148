"""Fusion of alpha, F and B with the image (paper, section 3.4)."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor

from rssn.imaging.errors import check_choice

FusionForm = Literal["code", "paper"]

WEIGHT = 10  # variance of alpha over that of the colours, of F and B and of the image


def fuse(
    image: Tensor,
    alpha: Tensor,
    foreground: Tensor,
    background: Tensor,
    form: FusionForm = "code",
) -> tuple[Tensor, Tensor, Tensor]:
    """Correct alpha, F and B towards C = alpha F + (1 - alpha) B, in one step (equations 4 to 6).

    Args:
        image: C, RGB (B, 3, H, W) in [0, 1].
        alpha: Predicted matte (B, 1, H, W) in [0, 1].
        foreground: Predicted F (B, 3, H, W) in [0, 1].
        background: Predicted B, likewise.
        form: `code` updates B with the updated F, and clamps all three to [0, 1], as the released
            code; `paper` updates B with the predicted F, and clamps nothing.

    Returns:
        Alpha, F and B.

    Note:
        Written without the residual C - alpha F - (1 - alpha) B: so alpha 1 gives F = C and alpha 0
        gives B = C exactly, and alpha itself stays exactly what it was there.
    """
    check_choice("form", form, get_args(FusionForm))
    rest = 1 - alpha
    both = alpha * rest
    front = alpha * image + (1 - alpha.square()) * foreground - both * background
    seen = front if form == "code" else foreground
    back = rest * image + (2 * alpha - alpha.square()) * background - both * seen
    if form == "code":
        front, back = front.clamp(0, 1), back.clamp(0, 1)
    across = front - back
    along = ((image - back) * across).sum(dim=1, keepdim=True)
    length = across.square().sum(dim=1, keepdim=True)
    if form == "code":
        return ((alpha + WEIGHT * along) / (1 + WEIGHT * length)).clamp(0, 1), front, back
    return (alpha + WEIGHT * along) / (1 + WEIGHT * length), front, back
