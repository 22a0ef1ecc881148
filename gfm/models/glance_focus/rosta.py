"""RoSTa: what the glance and the focus decoder learn, derived from a matte (paper, section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.data.crops import FocusRegion
from gfm.guidance.transition import ellipse_of, transition_trimap
from gfm.models.glance_focus.config import SingleRosta
from rssn.imaging.errors import InputError, check_choice

KERNELS: dict[SingleRosta, int] = {"TT": 25, "FT": 50, "BT": 50}


@dataclass(frozen=True)
class Labels:
    """Targets of both decoders for one matte.

    Attributes:
        glance: Class of each pixel (H, W), uint8: background, (transition,) foreground from 0 on.
        focus: Fractional part (H, W), float32 in [0, 1].
        region: Where the focus decoder is trained (H, W), bool.
    """

    glance: NDArray[np.uint8]
    focus: NDArray[np.float32]
    region: NDArray[np.bool_]


def make_labels(
    alpha: NDArray[np.float32],
    rosta: SingleRosta,
    kernel: int | None = None,
    scale: float = 1.0,
    focus_region: FocusRegion = "fusion",
) -> Labels:
    """Label a matte.

    Args:
        alpha: Matte (H, W) in [0, 1].
        rosta: The representation. TT: trimap; the focus is alpha. FT: eroded opaque set; the focus
            is what alpha has beyond it. BT: dilated non-zero set; the focus is what alpha lacks.
        kernel: Diameter of OpenCV's ellipse in pixels of the source image; 25 for TT and 50 for FT
            and BT when None.
        scale: Size of `alpha` relative to its source image; the kernel is scaled by it.
        focus_region: Where the focus decoder of FT and BT is trained. `fusion`: wherever the fusion
            reads it, outside F for FT and inside B for BT. `paper`: the bands of section 3.4,
            I(alpha > 0) - F and B - I(alpha > 0). `released`: the transition class of TT. TT has
            this class in all three.

    Returns:
        Labels whose fusion is alpha again: exactly for TT, and for FT and BT when alpha is a
        multiple of 2**-24 (`on_grid`), else within 2**-24.

    Note:
        The released code trains the glance of FT on the dilated set and of BT on alpha itself,
        which its own fusion contradicts.

        With `paper` and `released` the fusion also reads the focus outside its region, where only
        the losses of the fused matte train it. The paper's band for BT, taken by its letter, holds
        no pixel of the object: the focus is 1 throughout, and only the losses of the fused matte
        train its soft edges.

    Raises:
        InputError: A matte of another shape, type or range, or an option that is not supported.
    """
    check_choice("focus_region", focus_region, get_args(FocusRegion))
    if alpha.ndim != 2 or alpha.dtype != np.float32:
        raise InputError(
            f"alpha has shape {alpha.shape} and type {alpha.dtype}; wanted float32 (H, W) in [0, 1]"
        )
    if alpha.size and not (alpha.min() >= 0 and alpha.max() <= 1):  # also true for NaN
        raise InputError(
            f"alpha goes from {alpha.min()} to {alpha.max()}; wanted [0, 1]: divide uint8 by 255"
        )
    ellipse = ellipse_of(KERNELS[rosta] if kernel is None else kernel, scale)
    if rosta == "TT":
        glance = transition_trimap(alpha, ellipse)
        return Labels(glance, alpha, glance == 1)
    if rosta == "FT":
        opaque = cv2.erode((alpha == 1).astype(np.uint8), ellipse)
        glance, focus, read = _uint8(opaque), alpha - opaque, opaque == 0
        band = read & (alpha > 0)
    else:
        inside = cv2.dilate((alpha > 0).astype(np.uint8), ellipse)
        glance, focus, read = _uint8(inside), inside - alpha, inside == 1
        band = read & (alpha == 0)
    if focus_region == "released":
        band = make_labels(alpha, "TT", kernel, scale).region
    return Labels(glance, focus, read if focus_region == "fusion" else band)


def _uint8(values: NDArray[np.generic] | cv2.typing.MatLike) -> NDArray[np.uint8]:
    return np.asarray(values, dtype=np.uint8)
