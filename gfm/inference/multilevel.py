"""The finest level of multilevel foreground estimation (Germer et al. 2020, section 3.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.compiled import compiled

REGULARISATION = 1e-5  # of the differences between neighbours; this and the next as published
GRADIENT_WEIGHT = 1.0  # of alpha, between neighbours
SWEEPS = 4  # over the soft pixels; twice the published ones, since the level above is coarser


@compiled
def enlarge_colours(
    coarse: NDArray[np.float32],
    image: NDArray[np.uint8],
    alpha: NDArray[np.float32],
    first: int,
    height: int,
) -> NDArray[np.float32]:
    """F and B of some rows: the image's own where the matte is hard, else those of a coarser level.

    Args:
        coarse: F and B (h, w, 6) in [0, 1] of the whole image.
        image: The rows of the photograph (R, W, 3).
        alpha: The rows of the matte (R, W).
        first: Which row of the photograph is the first.
        height: Rows of the whole photograph.

    Returns:
        F and B (R, W, 6) in [0, 1]; the coarse ones are enlarged bilinearly.
    """
    rows, width = alpha.shape
    colours = np.empty((rows, width, 6), np.float32)
    row_scale, column_scale = coarse.shape[0] / height, coarse.shape[1] / width
    for y in range(rows):
        v = min(max((first + y + 0.5) * row_scale - 0.5, 0.0), coarse.shape[0] - 1.0)
        above = int(v)
        below = min(above + 1, coarse.shape[0] - 1)
        down = np.float32(v - above)
        for x in range(width):
            u = min(max((x + 0.5) * column_scale - 0.5, 0.0), coarse.shape[1] - 1.0)
            left = int(u)
            right = min(left + 1, coarse.shape[1] - 1)
            along = np.float32(u - left)
            a = alpha[y, x]
            for channel in range(6):
                if (a == 1 and channel < 3) or (a == 0 and channel >= 3):
                    colours[y, x, channel] = image[y, x, channel % 3] / np.float32(255)
                else:
                    top = coarse[above, left, channel]
                    top += along * (coarse[above, right, channel] - top)
                    bottom = coarse[below, left, channel]
                    bottom += along * (coarse[below, right, channel] - bottom)
                    colours[y, x, channel] = top + down * (bottom - top)
    return colours


@compiled
def refine_soft_pixels(
    image: NDArray[np.uint8], alpha: NDArray[np.float32], colours: NDArray[np.float32]
) -> None:
    """Solve the 2x2 system of F and B against the four neighbours at each soft pixel, in place.

    Args:
        image: Photograph (H, W, 3).
        alpha: Matte (H, W) in [0, 1].
        colours: F and B (H, W, 6) in [0, 1].
    """
    height, width = alpha.shape
    for _ in range(SWEEPS):
        for y in range(height):
            up, down = max(y - 1, 0), min(y + 1, height - 1)
            for x in range(width):
                a = alpha[y, x]
                if a == 0 or a == 1:
                    continue
                left, right = max(x - 1, 0), min(x + 1, width - 1)
                weight_up = REGULARISATION + GRADIENT_WEIGHT * abs(a - alpha[up, x])
                weight_down = REGULARISATION + GRADIENT_WEIGHT * abs(a - alpha[down, x])
                weight_left = REGULARISATION + GRADIENT_WEIGHT * abs(a - alpha[y, left])
                weight_right = REGULARISATION + GRADIENT_WEIGHT * abs(a - alpha[y, right])
                total = weight_up + weight_down + weight_left + weight_right
                b = 1 - a
                factor = 1 / (total * (total + a * a + b * b))
                for channel in range(3):
                    value = image[y, x, channel] / np.float32(255)
                    front, back = a * value, b * value
                    front += weight_up * colours[up, x, channel]
                    front += weight_down * colours[down, x, channel]
                    front += weight_left * colours[y, left, channel]
                    front += weight_right * colours[y, right, channel]
                    back += weight_up * colours[up, x, channel + 3]
                    back += weight_down * colours[down, x, channel + 3]
                    back += weight_left * colours[y, left, channel + 3]
                    back += weight_right * colours[y, right, channel + 3]
                    f = ((total + b * b) * front - a * b * back) * factor
                    g = ((total + a * a) * back - a * b * front) * factor
                    colours[y, x, channel] = min(max(f, 0.0), 1.0)
                    colours[y, x, channel + 3] = min(max(g, 0.0), 1.0)


@compiled
def restore_composition(
    image: NDArray[np.uint8], alpha: NDArray[np.float32], colours: NDArray[np.float32]
) -> None:
    """Move F and B by as little as makes them mix to the image again, in place, at soft pixels.

    Args:
        image: Photograph (H, W, 3).
        alpha: Matte (H, W) in [0, 1].
        colours: F and B (H, W, 6) in [0, 1].
    """
    height, width = alpha.shape
    for y in range(height):
        for x in range(width):
            a = alpha[y, x]
            if a == 0 or a == 1:
                continue
            b = 1 - a
            for channel in range(3):
                front, back = colours[y, x, channel], colours[y, x, channel + 3]
                missing = image[y, x, channel] / np.float32(255) - a * front - b * back
                missing /= a * a + b * b
                colours[y, x, channel] = min(max(front + a * missing, 0.0), 1.0)
                colours[y, x, channel + 3] = min(max(back + b * missing, 0.0), 1.0)
