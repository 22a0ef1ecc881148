"""From a photograph and its trimap to the matte and the adapted trimap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfm.models.adamatting.guide import guide_of
from gfm.models.contract import MattingModel, Prediction

OUTPUTS = ("probabilities", "alpha")  # of the adapted trimap; before it has its say


def predict(model: MattingModel, image: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> Prediction:
    """Alpha and the adapted trimap of a photograph at its full size.

    Args:
        model: In eval mode.
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), uint8: 0 background, 255 foreground, any other level unknown.

    Note:
        The adapted trimap overrules the given one, also where that is sure.
    """
    pixels = image.transpose(2, 0, 1)[None] / np.float32(255)
    guide = guide_of(trimap, model.config.trimap_encoding)[None]
    probabilities, alpha = model.run({"image": pixels, "trimap": guide}, OUTPUTS)
    labels = probabilities[0].argmax(axis=0).astype(np.uint8)
    matte = np.where(labels == 1, alpha[0, 0], (labels == 2).astype(np.float32))
    return Prediction(matte, trimap=labels)
