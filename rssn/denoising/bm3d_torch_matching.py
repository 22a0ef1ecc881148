"""Block matching for BM3D in torch: for one vertical displacement, a whole tile at once."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from rssn.denoising.bm3d_matching import FARTHEST, INDEX_BITS, NO_MATCH, PATCH, search_offsets

Starts = NDArray[np.int64]


def match_blocks(
    luminance: Tensor, rows: Starts, cols: Starts, radius: int, count: int, limit: np.float32
) -> Tensor:
    """Rank the patches around every reference patch of a tile by the squared difference.

    It equals `rssn.denoising.bm3d_matching.match_blocks` except for the rounding of sums, and
    returns int32 (n * m, count).
    """
    device, span = luminance.device, 2 * radius + 1
    top, bottom = int(rows[0]), int(rows[-1]) + PATCH
    left, right = int(cols[0]), int(cols[-1]) + PATCH
    row_starts = torch.from_numpy(rows - top).to(device)
    column_starts = torch.from_numpy(cols - left).to(device)
    here = luminance[top:bottom, None, left:right]
    # Patches that reach beyond the tile are infinitely different.
    there = pad(luminance, (radius,) * 4, value=torch.inf)
    there = there[top : bottom + 2 * radius, left : right + 2 * radius]
    shifted = there.unfold(1, right - left, 1)  # (rows, displacements along x, columns)
    sums = luminance.new_empty(len(rows), len(cols), span, span)
    for dy in range(span):
        squares = (here - shifted[dy : dy + bottom - top]).square_()
        strips = _sums_of_eight(squares, row_starts, dim=0)
        sums[:, :, dy] = _sums_of_eight(strips, column_starts, dim=2).transpose(1, 2)
    scale = np.float32(FARTHEST) / (limit * np.float32(PATCH * PATCH))
    keys = sums.mul_(float(scale)).clamp_(max=FARTHEST).to(torch.int32)
    keys = keys.bitwise_left_shift_(INDEX_BITS).bitwise_or_(_ranks(radius, device))
    keys = keys.clamp_(max=NO_MATCH).flatten(2).flatten(0, 1)
    return torch.topk(keys, count, dim=1, largest=False, sorted=True).values


def _sums_of_eight(values: Tensor, starts: Tensor, dim: int) -> Tensor:
    """`values[s] + ... + values[s + 7]` along a dimension for every start s, added in pairs."""
    for gap in (1, 2):
        size = values.shape[dim] - gap
        values = values.narrow(dim, 0, size) + values.narrow(dim, gap, size)
    return values.index_select(dim, starts) + values.index_select(dim, starts + 4)


def _ranks(radius: int, device: torch.device) -> Tensor:
    """The index into `search_offsets` of the displacement at each place of the search window."""
    span = 2 * radius + 1
    dy, dx = (search_offsets(radius) + radius).T
    ranks = np.empty((span, span), np.int32)
    ranks[dy, dx] = np.arange(span * span)
    return torch.from_numpy(ranks).to(device)
