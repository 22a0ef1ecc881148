"""The object's colours behind the soft edges of a matte."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from gfm.inference.blurred import narrow_means, restored, wide_means
from rssn.imaging.extras import named_extras
from rssn.imaging.resizing import resize

COARSE = 4  # the reduction at which all of the image takes part
STRIP = 512  # rows that are refined at a time
HALO = 8  # rows above and below, for the neighbours that the refinement looks at
LAMBDA = 0.1  # of the matte's own value against the composition equation, as published

Method = Literal["blur", "multilevel", "closed_form"]
Floats = NDArray[np.float32]

# pymatting's loops are parallel, and one of numba's threading layers, where it is the only one,
# ends the process when two threads enter such a loop at once.
_PARALLEL = threading.Lock()


def estimate_colours(
    image: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    method: Method = "blur",
    refine: bool = False,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Estimate F, and correct alpha with it on request.

    Args:
        image: Photograph (H, W, 3).
        alpha: Matte (H, W) in [0, 1].
        method: `blur` (Forte 2021), `multilevel` (Germer et al. 2020) or `closed_form` (Levin et
            al. 2007); the last two need the extra `compose`.
        refine: Apply `fusion_step` at the soft pixels.

    Returns:
        F (H, W, 3), the image itself where alpha is 1, and alpha (H, W), which is another one only
        after `refine`.

    Note:
        `multilevel` solves the levels down to a quarter of the size for all of the image, then the
        finest for the soft pixels alone, in strips: a third of the time and of the memory.
        Each method keeps F and B smooth and leaves a remainder of the image; at the end they take
        it up, which lowers the error of alpha F on cut-outs with known colours (docs/matting.md).
    """
    if alpha.size < 2 or alpha.max() == 0 or alpha.min() == 1:
        return image, alpha
    image, alpha = np.ascontiguousarray(image), np.ascontiguousarray(alpha)
    corrected = alpha.copy() if refine else alpha
    foreground = np.empty_like(image)
    with named_extras():
        estimate = _blurred(image, alpha) if method == "blur" else _compiled(image, alpha, method)
    height = alpha.shape[0]
    for start in range(0, height, STRIP):
        stop = min(start + STRIP, height)
        rows = slice(max(start - HALO, 0), min(stop + HALO, height))
        colours = estimate.rows(rows)
        inner = slice(start - rows.start, stop - rows.start)
        if refine:
            fused = _fuse_soft_pixels(image[rows], alpha[rows], colours)
            corrected[start:stop] = fused[inner]
        else:
            colours = estimate.restore(rows, colours)
        foreground[start:stop] = np.rint(colours[inner, :, :3] * 255)
    return foreground, corrected


class _Estimate(NamedTuple):
    """A method at work.

    Attributes:
        rows: Estimates F and B (R, W, 6) in [0, 1] of rows; F is the image where alpha is 1.
        restore: Makes those of rows mix to the image again, in place.
    """

    rows: Callable[[slice], Floats]
    restore: Callable[[slice, Floats], Floats]


def _blurred(image: NDArray[np.uint8], alpha: Floats) -> _Estimate:
    known = wide_means(image, alpha)

    def restore(rows: slice, colours: Floats) -> Floats:
        soft = (alpha[rows] > 0) & (alpha[rows] < 1)
        levels = np.divide(image[rows][soft], 255, dtype=np.float32)
        colours[soft] = restored(levels, alpha[rows][soft], colours[soft])
        return colours

    return _Estimate(lambda rows: narrow_means(image[rows], alpha[rows], known, rows), restore)


def _compiled(
    image: NDArray[np.uint8], alpha: Floats, method: Literal["multilevel", "closed_form"]
) -> _Estimate:
    """One of the methods whose loops numba compiles."""
    from gfm.inference.multilevel import enlarge_colours, refine_soft_pixels, restore_composition

    known = _estimate(image, alpha, method)

    def estimate(rows: slice) -> Floats:
        if method == "closed_form":
            return known[rows].copy()  # the next strip begins inside this one
        colours = enlarge_colours(known, image[rows], alpha[rows], rows.start, len(alpha))
        refine_soft_pixels(image[rows], alpha[rows], colours)
        return colours

    def restore(rows: slice, colours: Floats) -> Floats:
        restore_composition(image[rows], alpha[rows], colours)
        return colours

    return _Estimate(estimate, restore)


def _fuse_soft_pixels(
    image: NDArray[np.uint8], alpha: NDArray[np.float32], colours: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Apply `fusion_step` to F in place, where the matte is soft, and return the new matte."""
    soft = (alpha > 0) & (alpha < 1)
    unit = np.asarray(image[soft], np.float32) / np.float32(255)
    known = colours[soft]
    front, _, matte = fusion_step(unit, alpha[soft], known[:, :3], known[:, 3:])
    colours[soft, :3] = front
    corrected = alpha.copy()
    corrected[soft] = matte
    return corrected


def fusion_step(
    image: NDArray[np.float32],
    alpha: NDArray[np.float32],
    foreground: NDArray[np.float32],
    background: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Let image, matte and colours correct each other (FBA matting, Forte and Pitie 2020).

    Args:
        image: C (..., 3) in [0, 1].
        alpha: Matte (...) in [0, 1].
        foreground: F (..., 3) in [0, 1].
        background: B (..., 3) in [0, 1].

    Returns:
        F, B and alpha, corrected towards C = alpha F + (1 - alpha) B. Where that holds already,
        they are what they were.

    Note:
        B sees the corrected F, as in the released code; in the paper it sees the given one.
    """
    a = alpha[..., None]
    front = foreground + a * (image - a * foreground - (1 - a) * background)
    back = background + (1 - a) * (image - a * front - (1 - a) * background)
    front, back = front.clip(0, 1), back.clip(0, 1)
    along = front - back
    matte = (LAMBDA * alpha + ((image - back) * along).sum(-1)) / (LAMBDA + (along**2).sum(-1))
    return front, back, matte.clip(0, 1)


def _estimate(
    image: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    method: Literal["multilevel", "closed_form"],
) -> NDArray[np.float32]:
    """F and B (h, w, 6) in [0, 1]: of `multilevel` at a quarter of the size, else at full size."""
    from rssn.foreground.estimate import estimate_foreground

    picture: MatLike = image
    matte: MatLike = alpha
    if method == "multilevel":
        height, width = (max(2, -(-side // COARSE)) for side in alpha.shape)
        picture = resize(image, (height, width), enlarge="area")
        matte = resize(alpha, (height, width), enlarge="area").clip(0, 1)
    unit = picture.astype(np.float32) / 255
    with _PARALLEL:
        return np.dstack(estimate_foreground(unit, matte, method, background=True))
