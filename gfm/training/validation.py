"""Errors on whole photographs during training: one row a photograph, from all processes."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch.distributed
from numpy.typing import NDArray

from gfm.guidance.transition import transition_regions
from gfm.metrics import evaluate

T = TypeVar("T")


def photograph_errors(pred: NDArray[Any], alpha: NDArray[np.float32]) -> dict[str, float]:
    """Compare a matte with its reference, whole and by region (columns of the paper's table 1).

    Args:
        pred: Predicted matte (H, W), float in [0, 1].
        alpha: Reference matte (H, W), float32 in [0, 1].

    Returns:
        The metrics of `gfm.metrics.evaluate`, convention `gfm`, with those of the regions.

    Note:
        The regions are the trimap of the labels: a kernel of 25 px of the matte as it is compared,
        also when photographs were shrunk for validation.
    """
    return evaluate(pred, alpha, transition_regions(alpha))


def gather_by_name(found: dict[str, T]) -> dict[str, T]:
    """Gather the results of all processes on each, in the order of names.

    A distributed sampler gives some photographs to two processes, so that all get as many; under
    its name each counts once. Without processes it is `found` alone. All have to call it.
    """
    parts: list[dict[str, T]] = [found]
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        parts *= torch.distributed.get_world_size()
        torch.distributed.all_gather_object(parts, found)
    merged = {name: value for part in parts for name, value in part.items()}
    return dict(sorted(merged.items()))
