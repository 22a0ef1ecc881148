"""From a photograph and its trimap to the matte and the adapted trimap."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.blocks.classes import most_probable
from gfm.models.adamatting.guide import guide_of
from gfm.models.adamatting.network import AdaMatting
from gfm.models.contract import Prediction


def predict(model: AdaMatting, image: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> Prediction:
    """Alpha and the adapted trimap of a photograph at its full size.

    Args:
        model: In eval mode.
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), uint8: 0 background, 255 foreground, any other level unknown.

    Note:
        The adapted trimap overrules the given one, also where that is sure.
    """
    pixels = torch.from_numpy(np.ascontiguousarray(image)).to(model.device)
    pixels = pixels.permute(2, 0, 1)[None].to(model.dtype) / 255
    guide = torch.from_numpy(guide_of(trimap, model.config.trimap_encoding))[None].to(pixels)
    with torch.inference_mode():
        made = model(pixels, guide, sparse=True)
        alpha, labels = made.matte[0, 0].float(), most_probable(made.logits)[0, 0]
    return Prediction(alpha.cpu().numpy(), trimap=labels.cpu().numpy())
