"""BM3D for colour images, fast on CPUs: the two steps of Dabov et al., tiled and threaded.

Source: K. Dabov, A. Foi, V. Katkovnik, K. Egiazarian, "Image denoising by sparse 3-D
transform-domain collaborative filtering", IEEE Transactions on Image Processing 16(8), 2007; colour
as in section V: patches are matched on the luminance, and each opponent channel is filtered.
"""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rssn.denoising.bm3d_filtering import filter_tile
from rssn.denoising.bm3d_matching import PATCH, PITCH, match_blocks, search_offsets
from rssn.denoising.bm3d_steps import (
    LEAST_SIGMA,
    SEARCH_RADIUS,
    THRESHOLD_STEP,
    WIENER_STEP,
    Planes,
    Step,
    Tile,
    Window,
    opponent_planes,
    rgb_image,
    tile_window,
    tiles,
)
from rssn.imaging.cores import available_cores
from rssn.imaging.images import Uint8Image

_TILE_HEIGHT, _TILE_WIDTH = 96, PITCH - PATCH - 2 * SEARCH_RADIUS  # px


def bm3d(image: Uint8Image, sigma: float, threads: int | None = None) -> Uint8Image:
    """Denoise a colour image (H, W, 3) of any size, with noise of `sigma` grey levels per channel.

    The bytes do not depend on the number of threads; None takes all cores of this process.

    Note:
        Parameters are those of the paper's normal profile except the second step's stride (4, not
        3 px: a quarter faster, at 0.02 dB) and the limits on the difference of patches. Strong
        noise is not prefiltered. The mean of a group is never shrunk, so that a flat image keeps
        its colour.
    """
    noisy = opponent_planes(image)
    with ThreadPoolExecutor(threads or available_cores()) as pool:
        basic = _run_step(THRESHOLD_STEP, noisy, None, sigma, pool)
        final = _run_step(WIENER_STEP, noisy, basic, sigma, pool)
    return rgb_image(final, image.shape)


def _run_step(
    step: Step, noisy: Planes, pilot: Planes | None, sigma: float, pool: Executor
) -> Planes:
    """Filter all tiles and average the overlapping estimates, in the order of the tiles."""
    guide = (noisy if pilot is None else pilot)[0] / np.float32(3**0.5)  # 0..255
    work = partial(_filter_tile, step, noisy, pilot, guide, sigma)
    total, weight = np.zeros_like(noisy), np.zeros_like(noisy)
    grid = tiles(guide.shape, step.stride, _TILE_HEIGHT, _TILE_WIDTH)
    for window, tile_total, tile_weight in pool.map(work, grid):
        total[:, *window] += tile_total
        weight[:, *window] += tile_weight
    return total / weight


def _filter_tile(
    step: Step,
    noisy: Planes,
    pilot: Planes | None,
    guide: NDArray[np.float32],
    sigma: float,
    tile: Tile,
) -> tuple[Window, Planes, Planes]:
    """Match and filter a tile's reference patches within their search windows."""
    window = tile_window(tile, guide.shape)
    rows, cols = (starts - part.start for starts, part in zip(tile, window, strict=True))
    offsets = search_offsets(SEARCH_RADIUS)
    # Contiguous copies: a view would make numba compile everything once more for its layout.
    tile_guide = np.ascontiguousarray(guide[window])
    matches = match_blocks(tile_guide, rows, cols, offsets, step.matches, step.limit(sigma))
    tile_noisy = np.ascontiguousarray(noisy[:, *window])
    tile_pilot = tile_noisy if pilot is None else np.ascontiguousarray(pilot[:, *window])
    total, weight = filter_tile(
        tile_noisy,
        tile_pilot,
        rows,
        cols,
        matches,
        offsets,
        sigma=np.float32(max(sigma, LEAST_SIGMA)),
        wiener=pilot is not None,
    )
    return window, total, weight
