"""Collaborative matting (paper, section 3.5): the glance says where, the focus says how much."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gfm.blocks.classes import fuse_transition, most_probable
from gfm.blocks.precision import wide, without_autocast
from gfm.models.glance_focus.config import SingleRosta


def fuse(glance: Tensor, focus: Tensor, rosta: SingleRosta) -> Tensor:
    """Fuse by the most probable class.

    Args:
        glance: Class scores (B, C, H, W), background first; logits or probabilities.
        focus: Fractional part (B, 1, H, W) in [0, 1].
        rosta: The representation: TT puts the focus into the transition class, FT adds it to the
            foreground, BT takes it from everything that is not background.

    Returns:
        The matte (B, 1, H, W) in [0, 1].
    """
    if rosta == "TT":
        return fuse_transition(glance, focus)
    mask = most_probable(glance).to(focus.dtype)
    return (mask + focus).clamp(max=1) if rosta == "FT" else (mask - focus).clamp(min=0)


def fuse_expected(probabilities: Tensor, focus: Tensor, rosta: SingleRosta) -> Tensor:
    """The expected value of `fuse` over the class probabilities: differentiable in both decoders.

    Args:
        probabilities: Class probabilities (B, C, H, W) that sum to 1 over the classes.
        focus: Fractional part (B, 1, H, W) in [0, 1].
        rosta: The representation.

    Returns:
        The matte (B, 1, H, W) in [0, 1]; equal to `fuse` where one class has probability 1.

    Note:
        The released code trains through the argmax of `fuse`, so that no gradient of the fused
        losses reaches its glance decoder.
    """
    if rosta == "TT":
        return probabilities[:, 2:3] + probabilities[:, 1:2] * focus
    inside = probabilities[:, 1:2]
    if rosta == "FT":
        return inside + (1 - inside) * focus
    return inside * (1 - focus)


class RosTaIntegration(nn.Module):
    """RIM: a small network weighs the mattes of TT, FT and BT into one (paper, section 5.5.1)."""

    def __init__(self, width: int = 16, reduction: int = 4) -> None:
        super().__init__()
        self.expand = nn.Conv2d(3, width, 1)
        self.squeeze = nn.Linear(width, width // reduction, bias=False)
        self.excite = nn.Linear(width // reduction, width, bias=False)
        self.merge = nn.Conv2d(width, 1, 1)

    def forward(self, mattes: list[Tensor]) -> Tensor:
        """Merge the mattes (B, 1, H, W) of TT, FT and BT, in this order, to an unbounded one."""
        joined = torch.cat(mattes, dim=1)
        with without_autocast(joined.device):
            features = self.expand(joined.to(self.expand.weight.dtype))
            gate = functional.relu(self.squeeze(features.mean(dim=(2, 3))))
            gate = torch.sigmoid(self.excite(gate))[:, :, None, None]
            return wide(self.merge(features * gate))
