"""Accuracy of a predicted trimap (AdaMatting, table 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gfm.metrics.inputs import as_trimap

CLASSES = 3


def optimal_trimap(alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """The trimap of a matte (equation 2): 0 where alpha is 0, 2 where it is 1, 1 between.

    Args:
        alpha: True matte (H, W), uint8, or float in [0, 1], which is taken at 8 bits.
    """
    levels = alpha if alpha.dtype == np.uint8 else np.rint(255 * alpha)
    labels: NDArray[np.uint8] = np.add(levels > 0, levels >= 255, dtype=np.uint8)
    return labels


def trimap_errors(pred: NDArray[Any], truth: NDArray[Any]) -> dict[str, float]:
    """Compare a trimap with the optimal one.

    Args:
        pred: Predicted trimap, integers (H, W): 0 background, 1 unknown, 2 foreground.
        truth: The optimal one, likewise.

    Returns:
        `accuracy`, the share of pixels of the right class; `miou`, the mean over the classes of
        intersection over union. A class that neither trimap has does not count.

    Raises:
        InputError: Arrays whose kind, shape or values do not fit.

    Example:
        >>> trimap_errors(np.array([[0, 1, 2, 2]]), np.array([[0, 1, 1, 2]]))
        {'accuracy': 0.75, 'miou': 0.6666666666666666}
    """
    truth = as_trimap(truth, np.shape(truth), "truth")
    pred = as_trimap(pred, truth.shape, "pred")
    pairs = np.bincount((CLASSES * truth.astype(np.intp) + pred).ravel(), minlength=CLASSES**2)
    counts = pairs.reshape(CLASSES, CLASSES)
    both = np.diagonal(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    present = either > 0
    return {
        "accuracy": float(both.sum() / counts.sum()),
        "miou": float((both[present] / either[present]).mean()),
    }
