"""The gradient error: how much the two mattes differ in their local contrast.

Defined by Rhemann et al. (2009) on Gaussian derivatives of σ = 1.4 pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from gfm.metrics.inputs import Convention, Floats

SIGMA = 1.4


def gradient_error(pred: Floats, alpha: Floats, convention: Convention = "gfm") -> Floats:
    """Squared difference of the gradient magnitudes; its sum is Grad, in units of 1/1000.

    Args:
        pred: Predicted matte (H, W), float64 in [0, 1].
        alpha: True matte, likewise.
        convention: `gfm` takes the plain derivative, with mirrored borders, and reports a tenth of
            the sum. `dim` stretches each matte to [0, 1], takes a kernel of unit energy, with
            repeated borders, and reports a thousandth. `lsa` has a smaller such kernel, and takes
            mattes as they are.

    Returns:
        Error of each pixel (H, W).
    """
    if convention == "gfm":
        smooth, derive = _kernels(radius=6)  # 4 σ
        border, scale = cv2.BORDER_REFLECT, 100.0
    else:
        # Beyond 3.62 px the Gaussian is below 1/100; `lsa` rounds that down.
        smooth, derive = _kernels(radius=4 if convention == "dim" else 3)
        derive /= np.linalg.norm(smooth) * np.linalg.norm(derive)
        border, scale = cv2.BORDER_REPLICATE, 1.0
        if convention == "dim":
            pred, alpha = _stretched(pred), _stretched(alpha)
    difference = _magnitude(pred, smooth, derive, border)
    difference -= _magnitude(alpha, smooth, derive, border)
    return scale * np.square(difference)


def _kernels(radius: int) -> tuple[Floats, Floats]:
    """A sampled Gaussian of sum 1 and its derivative, each of 2 radius + 1 taps."""
    x = np.arange(-radius, radius + 1, dtype=np.float64)
    gaussian = np.exp(-0.5 * np.square(x / SIGMA))
    gaussian /= gaussian.sum()
    return gaussian, -x / SIGMA**2 * gaussian


def _magnitude(matte: Floats, smooth: Floats, derive: Floats, border: int) -> Floats:
    across = cv2.sepFilter2D(matte, cv2.CV_64F, derive, smooth, borderType=border)
    down = cv2.sepFilter2D(matte, cv2.CV_64F, smooth, derive, borderType=border)
    magnitude: Floats = np.sqrt(across * across + down * down)
    return magnitude


def _stretched(matte: Floats) -> Floats:
    low, high = matte.min(), matte.max()
    return matte if low == high else (matte - low) / (high - low)
