"""The training loss of interactive segmentation."""

from __future__ import annotations

from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional

from gfm.blocks.precision import wide
from gfm.losses.clicks import click_loss, soft_iou_loss
from rssn.imaging.errors import check_choice

RegionLoss = Literal["soft_iou", "bce"]


def click_by_click_loss(
    pred: Tensor, target: Tensor, masks: Tensor, region: RegionLoss = "soft_iou"
) -> dict[str, Tensor]:
    """Loss of a matte after a click (thesis, equation 3.1).

    Args:
        pred: Predicted matte (B, 1, H, W) in [0, 1].
        target: True mask, of the same shape.
        masks: Clicked pixels (B, 2, H, W): background, object.
        region: `soft_iou`, or the binary cross-entropy that it is compared with.

    Returns:
        `region`, `clicks`, and their sum `total`.
    """
    check_choice("loss", region, get_args(RegionLoss))
    if region == "soft_iou":
        found = soft_iou_loss(pred, target)
    else:
        found = functional.binary_cross_entropy(wide(pred), wide(target))
    clicked = click_loss(pred, masks)
    return {"region": found, "clicks": clicked, "total": found + clicked}
