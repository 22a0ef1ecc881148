"""Colours of an object continued beyond its matte by a pyramid, fast enough for a loader."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import resize

SOLID = 0.95  # alpha from which on a photograph shows the object's own colour
LEAST = 1e-3


def fill_colours(image: Uint8Image, alpha: Alpha, solid: float = SOLID) -> Uint8Image:
    """Replace the colours of a photograph, uint8 (H, W, 3), where alpha is below `solid`.

    Push-pull (Gortler et al., The Lumigraph, 1996, section 3.4): the known colours are averaged
    down a pyramid, and holes are filled from the next coarser level.

    Note:
        A rough substitute for `estimate_foreground`, for nearly binary masks: strands take the
        colour of the solid part beside them.
    """
    known = (alpha >= solid).astype(np.float32)
    if not known.any():
        return image
    weighted = np.dstack([image * known[..., None], known])
    filled = _fill(weighted)
    colours = np.rint(filled[..., :3].clip(0, 255)).astype(np.uint8)
    return np.where(known[..., None] > 0, image, colours)


def _fill(weighted: NDArray[Any]) -> NDArray[Any]:
    """Fill colours (H, W, 4) of weight 0, the last channel; normalise the others."""
    height, width = weighted.shape[:2]
    weight = weighted[..., 3:]
    own: NDArray[Any] = weighted / np.maximum(weight, LEAST)
    if min(height, width) <= 2 or float(weight.min()) >= 1:
        return own
    smaller = resize(weighted, ((height + 1) // 2, (width + 1) // 2))
    below = resize(_fill(smaller), (height, width))
    share = weight.clip(0, 1)
    mixed: NDArray[Any] = own * share + below * (1 - share)
    return mixed
