"""Foreground colours by blurring (Forte 2021, blur fusion), without compiled loops.

F is the mean of the image around a pixel, weighed by alpha, and B that weighed by 1 - alpha; then
both take up what is left of the image. A second mean of the result, over a narrow window, finds
fine detail.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WIDE, NARROW = 90, 6  # px, sides of the windows; as published
COARSE = 8  # reduction at which the wide mean is taken, which has no fine detail
ROWS = 64 * COARSE  # that are shrunk at a time
LEAST = np.float32(1e-5)  # weight of a window, so that none divides by 0

Floats = NDArray[np.float32]


def wide_means(image: NDArray[np.uint8], alpha: Floats) -> Floats:
    """F and B (h, w, 6) in [0, 1] of a photograph, at an eighth of its size.

    Args:
        image: Photograph (H, W, 3).
        alpha: Matte (H, W) in [0, 1].
    """
    parts = []
    for start in range(0, len(alpha), ROWS):
        rows = slice(start, start + ROWS)
        levels = _levels(image[rows])
        parts.append([_shrunk(_weighted(levels, share)) for share in _shares(alpha[rows])])
    side = round(WIDE / COARSE)
    return np.dstack([_mean(np.concatenate(each), side) for each in zip(*parts, strict=True)])


def narrow_means(image: NDArray[np.uint8], alpha: Floats, wide: Floats, rows: slice) -> Floats:
    """F and B (R, W, 6) in [0, 1] of rows of a photograph: the image where the matte is hard.

    Args:
        image: The rows (R, W, 3).
        alpha: Those of the matte (R, W).
        wide: Of `wide_means`.
        rows: Which these are.
    """
    levels = _levels(image)
    soft = (alpha > 0) & (alpha < 1)
    made = np.dstack([levels, levels])
    if not soft.any():
        return made
    made[soft] = restored(levels[soft], alpha[soft], _enlarged(wide, rows, alpha.shape[1])[soft])
    for index, share in enumerate(_shares(alpha)):
        colours = made[..., 3 * index : 3 * index + 3]
        colours[soft] = _mean(_weighted(colours, share), NARROW)[soft]
    return made


def restored(levels: Floats, alpha: Floats, colours: Floats) -> Floats:
    """The nearest F and B (N, 6) that mix to an image (N, 3) again, clipped to [0, 1]."""
    a, b = alpha[:, None], 1 - alpha[:, None]
    front, back = colours[:, :3], colours[:, 3:]
    missing = (levels - a * front - b * back) / (a * a + b * b)
    return np.hstack([front + a * missing, back + b * missing]).clip(0, 1)


def _levels(image: NDArray[np.uint8]) -> Floats:
    """An image in [0, 1]."""
    return np.divide(image, 255, dtype=np.float32)


def _shares(alpha: Floats) -> tuple[Floats, Floats]:
    """Shares of F and of B."""
    return alpha, 1 - alpha


def _weighted(colours: Floats, share: Floats) -> Floats:
    """Colours (R, W, 3) times their share, and the share (R, W, 4)."""
    return np.dstack([colours * share[..., None], share])


def _enlarged(coarse: Floats, rows: slice, width: int) -> Floats:
    """Rows (R, W, 6) of `wide_means` at the size of the photograph."""
    scale = 1 / COARSE
    first = (rows.start + 0.5) * scale - 0.5
    matrix = np.array([[scale, 0, scale / 2 - 0.5], [0, scale, first]])
    size = (width, rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    parts = (np.ascontiguousarray(coarse[..., i : i + 3]) for i in (0, 3))
    return np.dstack(
        [cv2.warpAffine(part, matrix, size, flags=flags, borderMode=border) for part in parts]
    )


def _shrunk(rows: Floats) -> Floats:
    """Rows (R, W, 4) at an eighth of their size, continued to whole eighths."""
    bottom, right = (-side % COARSE for side in rows.shape[:2])
    whole = cv2.copyMakeBorder(rows, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    size = (whole.shape[1] // COARSE, whole.shape[0] // COARSE)
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)


def _mean(weighted: Floats, side: int) -> Floats:
    """Mean colours (H, W, 3) in windows of (H, W, 4): colours times a share, and the share."""
    sums = cv2.blur(weighted, (side, side))
    return np.asarray(sums[..., :3] / (sums[..., 3:] + LEAST))
