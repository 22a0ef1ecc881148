"""Float32 for what half precision cannot hold: probabilities, mattes and losses.

bfloat16 has 8 significant bits. Near 1 it has steps of 1/256, so that the sigmoid of a logit of 7
is exactly 1 there and its gradient exactly 0.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def wide(values: Tensor) -> Tensor:
    """The values in float32, or wider where they are."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def without_autocast(device: torch.device) -> AbstractContextManager[object]:
    """A context in which convolutions keep the type of their input; without autocast, an empty one.

    An exported program holds no trace of the empty one.
    """
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
