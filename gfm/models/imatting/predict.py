"""From a photograph with clicks, a trimap or both to alpha, F and B."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.models.fba.network import FBA
from gfm.models.fba.predict import Layers, predict
from rssn.imaging.images import Uint8Image
from rssn.imaging.resizing import resize

UNKNOWN = 128
LONGEST = 1920  # px, the longest side that the thesis works at; larger photographs are shrunk


def matte(
    network: FBA,
    image: Uint8Image,
    clicks: Clicks | None = None,
    trimap: NDArray[np.uint8] | None = None,
) -> Layers:
    """Matte a photograph.

    Args:
        network: In eval mode.
        image: RGB (H, W, 3).
        clicks: Clicks; they overrule the trimap.
        trimap: (H, W): 0 background, 255 foreground, any other level unknown; unknown all over when
            None.

    Note:
        Where a photograph has more than 1920 px on a side, it is shrunk and the result enlarged
        bilinearly (thesis, section 5.4.1).
    """
    size = (image.shape[0], image.shape[1])
    scale = min(LONGEST / max(size), 1.0)
    seen = (round(size[0] * scale), round(size[1] * scale))
    known = known_pixels(size, clicks, trimap)
    small = clicks and clicks.resized(seen[1], seen[0])
    shown = trimap if trimap is None else resize(trimap, seen, "nearest", "nearest")
    made = predict(network, resize(image, seen), known_pixels(seen, small, shown))
    if seen == size:
        return made
    alpha = resize(made.alpha, size)
    alpha[known == 0], alpha[known == 255] = 0, 1
    colours = (
        None if each is None else resize(each, size) for each in (made.foreground, made.background)
    )
    return Layers(alpha, *colours)


def known_pixels(
    size: tuple[int, int], clicks: Clicks | None, trimap: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    """A trimap (H, W) of 0, 128 and 255 that joins clicks and a trimap.

    Args:
        size: Height and width.
        clicks: Clicks; they overrule the trimap.
        trimap: As for `matte`.
    """
    known = np.full(size, UNKNOWN, np.uint8) if trimap is None else trimap.copy()
    for x, y, positive in clicks or ():
        known[y, x] = 255 if positive else 0
    return known
