"""Mattes of whole photographs, as the released program makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.models.backpropagation import RefinementOptions, refine, refine_in_tiles
from gfm.models.contract import MattingModel
from gfm.models.lsa.network import LSA
from rssn.imaging.errors import InputError
from rssn.imaging.resizing import Interpolation, resize

Views = Literal[1, 8, 24]
Alpha = NDArray[np.float32]
Image = NDArray[np.uint8]

MULTIPLE = 64  # of the sides of the mirrored photograph
RING = 16  # px mirrored around it, and as many of nothing around those
LARGEST = 2176  # px; a longer side is shrunk to it
SCALES = (0.8, 1.0, 1.25)
LEAST_FOREGROUND, MOST_BACKGROUND = 200, 50  # of trimaps that resizing has blurred


@dataclass(frozen=True)
class PredictOptions:
    """Options of matting a photograph.

    Attributes:
        views: 1; 8 averages the photograph turned and mirrored; 24 does so at three sizes too.
        refinement: Backpropagating refinement of every view; None does without.
        tile: Side of the tiles in which it is refined, in pixels; None takes the whole.
    """

    views: Views = 1
    refinement: RefinementOptions | None = None
    tile: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not possible.
        """
        if self.views not in get_args(Views):
            raise InputError(f"views={self.views!r} is not supported; choose 1, 8 or 24")
        if self.tile is not None and (self.tile < 512 or self.tile % 32):
            raise InputError(f"tile={self.tile}: give a multiple of 32 of at least 512 pixels")


def predict(
    model: MattingModel, image: Image, trimap: Image, options: PredictOptions | None = None
) -> Alpha:
    """Matte a photograph.

    Args:
        model: In eval mode.
        image: RGB (H, W, 3), uint8.
        trimap: (H, W), uint8: 0 background, 128 unknown, 255 foreground.
        options: How.

    Returns:
        Alpha (H, W), float32 in [0, 1]; 0 and 1 where the trimap is known.

    Note:
        The released program shrinks each side above 2176 px by itself, so that the proportions
        may change; so does this. The ring of nothing that it adds counts as background. With
        refinement in its form, the unknown pixels beside that ring are drawn to 0 too; in the
        paper's form nothing outside the photograph is compared.
    """
    options = options or PredictOptions()
    height, width = trimap.shape
    small = min(height, LARGEST), min(width, LARGEST)
    alpha = _mean(model, *_seen(image, trimap, small, "linear"), options)
    alpha = resize(alpha, (height, width), "linear", "linear")
    return _pasted(alpha.clip(0, 1), trimap)


def _mean(model: MattingModel, image: Image, trimap: Image, options: PredictOptions) -> Alpha:
    """Alpha averaged over the views."""
    if options.views == 1:
        return _view(model, image, trimap, options)
    if options.views == 8:
        return _dihedral_mean(model, image, trimap, options)
    height, width = trimap.shape
    total = np.zeros(trimap.shape, np.float32)
    for scale in SCALES:
        size = int(scale * height), int(scale * width)
        alpha = _dihedral_mean(model, *_seen(image, trimap, size, "cubic"), options)
        total += resize(alpha, (height, width), "cubic", "cubic")
    return total / np.float32(len(SCALES))


def _dihedral_mean(
    model: MattingModel, image: Image, trimap: Image, options: PredictOptions
) -> Alpha:
    """Alpha averaged over four turns of the photograph and of its mirror image."""
    total = np.zeros(trimap.shape, np.float32)
    for flipped in (False, True):
        parts = (np.fliplr(image), np.fliplr(trimap)) if flipped else (image, trimap)
        for turns in range(4):
            seen, known = (np.rot90(part, turns) for part in parts)
            alpha = np.rot90(_view(model, seen, known, options), -turns)
            total += np.fliplr(alpha) if flipped else alpha
    return total / np.float32(8)


def _view(model: MattingModel, image: Image, trimap: Image, options: PredictOptions) -> Alpha:
    """Alpha of one view: pad, predict, clip, crop, and take known pixels from the trimap."""
    height, width = trimap.shape
    planes = np.stack([_padded(image[..., channel]) for channel in range(3)])
    known = _padded(trimap)[None]
    inner = np.s_[..., 2 * RING : 2 * RING + height, 2 * RING : 2 * RING + width]
    if options.refinement is None or not isinstance(model, LSA):  # an export has no steps
        seen = {"image": planes, "trimap": known}
        given = {name: levels[None] / np.float32(255) for name, levels in seen.items()}
        (raw,) = model.run(given, ("alpha",))
        return _pasted(raw[inner][0, 0].clip(0, 1), trimap)
    batch = _tensor(planes, model.device), _tensor(known, model.device)
    inside = None
    if options.refinement.form == "paper":
        inside = torch.zeros_like(batch[1], dtype=torch.bool)
        inside[inner] = True
    if options.tile is None:
        refined = refine(model, *batch, options.refinement, inside).alpha
    else:
        refined = refine_in_tiles(model, *batch, options.refinement, inside, options.tile)
    alpha: Alpha = refined[inner][0, 0].clamp(0, 1).float().cpu().numpy()
    return _pasted(alpha, trimap)


def _padded(plane: Image) -> Image:
    """A plane (H, W) mirrored to a multiple of 64 and by 16 px more, within 16 px of zeros."""
    bottom, right = (-side % MULTIPLE for side in plane.shape)
    plane = np.pad(plane, ((0, bottom), (0, right)), mode="reflect")
    return np.pad(np.pad(plane, RING, mode="reflect"), RING)


def _tensor(planes: Image, device: torch.device) -> Tensor:
    return torch.from_numpy(planes).to(device).float()[None] / 255


def _pasted(alpha: Alpha, trimap: Image) -> Alpha:
    alpha = np.where(trimap > LEAST_FOREGROUND, np.float32(1), alpha)
    return np.where(trimap < MOST_BACKGROUND, np.float32(0), alpha)


def _seen(
    image: Image, trimap: Image, size: tuple[int, int], how: Interpolation
) -> tuple[Image, Image]:
    """The photograph and its trimap at another height and width."""
    return resize(image, size, how, how), resize(trimap, size, "nearest", "nearest")
