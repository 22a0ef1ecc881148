"""From a photograph and its trimap to the matte and the adapted trimap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.models.adamatting.guide import guide_of
from gfm.models.adamatting.network import AdaMatting
from gfm.models.glance_focus.fusion import most_probable

LEVELS = np.array([0, 128, 255], np.uint8)  # of background, unknown, foreground


class AdaptedMatte(NamedTuple):
    """A matte and the trimap that it follows.

    Attributes:
        alpha: (H, W), float32 in [0, 1].
        trimap: The adapted trimap (H, W), uint8: 0 background, 128 unknown, 255 foreground.
    """

    alpha: NDArray[np.float32]
    trimap: NDArray[np.uint8]


def predict(model: AdaMatting, image: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> AdaptedMatte:
    """Matte a photograph at its full size.

    Args:
        model: In eval mode.
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), uint8: 0 background, 255 foreground, all else unknown.

    Note:
        The adapted trimap overrules the given one, also where that is sure.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(model.mean.device)
    pixels = pixels.permute(2, 0, 1)[None].to(model.mean.dtype) / 255
    guide = torch.from_numpy(guide_of(trimap, model.config.trimap_encoding))[None].to(pixels)
    with torch.inference_mode():
        made = model(pixels, guide, sparse=True)
        alpha, labels = made.matte[0, 0].float(), most_probable(made.logits)[0, 0]
    return AdaptedMatte(alpha.cpu().numpy(), LEVELS[labels.cpu().numpy()])
