"""From a photograph and its trimap to alpha, F and B at full size, as FBA's demo does it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.maps import gaussian_maps
from gfm.guidance.trimap import SIGMAS, known_masks
from gfm.models.contract import MattingModel
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.resizing import Interpolation, resize

Resizing = Literal["nearest", "released"]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SCALES = (0.8, 1.0, 1.25)  # of test-time augmentation


class Layers(NamedTuple):
    """A matte and its colours, float32 in [0, 1].

    Attributes:
        alpha: (H, W); 0 and 1 exactly where the trimap is sure.
        foreground: RGB (H, W, 3), the image where alpha is 1; None from a network of alpha alone.
        background: RGB (H, W, 3), the image where alpha is 0; likewise.
    """

    alpha: Alpha
    foreground: Floats | None
    background: Floats | None


class View(NamedTuple):
    """One way to show the network an image.

    Attributes:
        turns: Quarter turns.
        mirrored: Mirror it, before it is turned.
        scale: Of its sides.
    """

    turns: int = 0
    mirrored: bool = False
    scale: float = 1.0

    def of(self, array: Doubles) -> Doubles:
        """The array (H, W, ...) mirrored and turned."""
        return np.rot90(array[:, ::-1] if self.mirrored else array, self.turns)

    def back(self, array: Doubles) -> Doubles:
        """Undo `of`."""
        turned = np.rot90(array, -self.turns)
        return turned[:, ::-1] if self.mirrored else turned


PLAIN = (View(),)
AUGMENTED = tuple(
    View(turns, mirrored, scale)
    for scale in SCALES
    for mirrored in (False, True)
    for turns in range(4)
)


def predict(
    network: MattingModel,
    image: Uint8Image,
    trimap: NDArray[np.uint8],
    resizing: Resizing = "nearest",
    views: Sequence[View] = PLAIN,
) -> Layers:
    """Matte a photograph.

    Args:
        network: In eval mode.
        image: RGB (H, W, 3).
        trimap: (H, W): 0 background, 255 foreground, any other level unknown.
        resizing: Of the trimap, to a multiple of 8: `nearest` keeps it a trimap; `released` is that
            of the demo, whose overshoot enters the network and whose undershoot counts as known.
        views: To average over: `PLAIN`, or `AUGMENTED` for all 24 (paper, section 3.7).

    Note:
        The demo enlarges the image to multiples of 8 by Lanczos and does not clip it; this is kept.
        The matte comes back bilinear, for the demo's other choice never reaches OpenCV. The set of
        views is not published.
    """
    colours = image.astype(np.float64) / 255
    known = known_masks(trimap)
    masks = np.moveaxis(known, 0, -1).astype(np.float64)
    total: Doubles = np.zeros(1)
    for view in views:
        made = _pass(network, view.of(colours), view.of(masks), view.scale, resizing)
        total = total + view.back(made)
    mean = (total / len(views)).astype(np.float32)
    alpha = np.ascontiguousarray(mean[..., 0])
    alpha[known[0]], alpha[known[1]] = 0, 1
    if mean.shape[-1] == 1:
        return Layers(alpha, None, None)
    foreground, background = mean[..., 1:4].copy(), mean[..., 4:].copy()
    foreground[alpha == 1] = colours[alpha == 1]
    background[alpha == 0] = colours[alpha == 0]
    return Layers(alpha, foreground, background)


def _pass(
    network: MattingModel, image: Doubles, masks: Doubles, scale: float, resizing: Resizing
) -> Doubles:
    """One run of the network, its maps (H, W, 7 or 1) at the size of the image."""
    height, width = image.shape[:2]
    step = network.config.multiple
    rows, columns = (ceil(round(scale * side, 6) / step) * step for side in (height, width))
    seen = _resize(image, (rows, columns), "lanczos")
    way: Interpolation = "nearest" if resizing == "nearest" else "lanczos"
    guide = _resize(masks, (rows, columns), way).transpose(2, 0, 1)
    distances = gaussian_maps(_definite(guide), SIGMAS)
    inputs = {"image": seen.transpose(2, 0, 1), "trimap": guide, "distances": distances}
    given = {name: np.ascontiguousarray(planes)[None] for name, planes in inputs.items()}
    made = network.run(given, network.config.predicted)
    maps = np.concatenate(made, axis=1)[0].transpose(1, 2, 0).astype(np.float64)
    return _resize(maps, (height, width), "linear")


def _definite(masks: Doubles) -> NDArray[np.bool_]:
    """Pixels where resized masks count as set.

    Note:
        The demo casts (1 - mask) * 255 to uint8 and takes zeros. On x86 the cast wraps, so that an
        undershoot of 1/255 to 2/255 below 0 counts too.
    """
    levels = np.trunc((1 - masks) * 255).astype(np.int64)
    return np.asarray(levels % 256 == 0)


def _resize(array: Doubles, size: tuple[int, int], how: Interpolation) -> Doubles:
    """Resize (H, W, C) to a height and a width."""
    return resize(np.ascontiguousarray(array), size, how, how).reshape(*size, -1)
