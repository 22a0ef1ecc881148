"""Channels that show a given trimap to the encoder."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gfm.guidance.trimap import encode_trimap
from gfm.models.adamatting.config import Encoding

CHANNELS: dict[Encoding, int] = {"levels": 1, "distances": 8}


def guide_of(trimap: NDArray[np.uint8], encoding: Encoding = "levels") -> NDArray[np.float32]:
    """The channels (C, H, W) of a trimap (H, W).

    Args:
        trimap: 0 background, 255 foreground, any other level unknown.
        encoding: `levels` gives one channel of 0, 0.5 and 1; `distances` six distance maps and two
            masks, as for FBA.
    """
    if encoding == "distances":
        masks, maps = encode_trimap(trimap)
        return np.concatenate([maps, masks])
    levels = np.where(trimap == 0, 0, np.where(trimap == 255, 1, 0.5))
    return levels[None].astype(np.float32)


def known(guide: Tensor) -> tuple[Tensor, Tensor]:
    """Definite background and definite foreground (B, 1, H, W), 0 or 1, of the channels."""
    if guide.shape[1] == CHANNELS["levels"]:
        return (guide == 0).to(guide.dtype), (guide == 1).to(guide.dtype)
    return guide[:, -2:-1], guide[:, -1:]
