"""Block matching for BM3D: the patches most similar to each reference patch (compiled).

The distance of two patches is the sum of absolute differences of an integer luminance. It fits 16
bits, so a vector register holds twice as many as in float32, and every comparison is exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rssn._compiled import compiled

PATCH = 8
PITCH = 168  # places in a row of a tile's working memory; a constant lets the compiler vectorise
LEVELS = 512  # of the luminance: the largest distance, 64 * 511, fits int16
INDEX_BITS = 12  # a match is distance << INDEX_BITS | index of the displacement
NO_MATCH = 2**31 - 1
_BLOCK = 32  # columns are handled in whole blocks: no scalar rest

Indices = NDArray[np.int64]
Luminance = NDArray[np.int16]
Matches = NDArray[np.int32]


def search_offsets(radius: int) -> Indices:
    """The displacements (dy, dx) of a square window as rows of (N, 2), the nearest first.

    Near patches tend to be similar: once they fill the ranking, one comparison rejects most others.
    """
    span = np.arange(-radius, radius + 1)
    dy, dx = (grid.ravel() for grid in np.meshgrid(span, span, indexing="ij"))
    return np.stack([dy, dx], axis=1)[np.argsort(dy**2 + dx**2, kind="stable")]


@compiled
def match_blocks(
    luminance: Luminance, rows: Indices, cols: Indices, offsets: Indices, count: int
) -> Matches:
    """Rank the patches around every reference patch of a tile.

    Args:
        luminance: The tile, (h, w) in [0, LEVELS), w <= PITCH.
        rows: Ascending top rows of the reference patches, (n,).
        cols: Ascending left columns of the reference patches, (m,).
        offsets: Displacements to try, (N, 2), at most 2 ** INDEX_BITS; the first must be (0, 0).
        count: How many matches to keep.

    Returns:
        (n, m, count), best first: `distance << INDEX_BITS | index into offsets`, or NO_MATCH where
        the tile holds fewer. Equal distances are ranked by index.
    """
    height, width = luminance.shape
    levels = np.zeros(height * PITCH + _BLOCK, np.int16)
    for y in range(height):
        for x in range(width):
            levels[y * PITCH + x] = luminance[y, x]
    ranking = np.empty((len(rows), len(cols), count), np.int32)
    ranking[:] = NO_MATCH
    worst = np.empty(len(cols), np.int32)
    column_sums = np.zeros(PITCH + 2 * _BLOCK, np.int16)
    distances = np.empty(PITCH + _BLOCK, np.int16)
    for r in range(len(rows)):
        worst[:] = NO_MATCH
        for index in range(len(offsets)):
            y = rows[r] + offsets[index, 0]
            dx = offsets[index, 1]
            left = max(cols[0], -dx)
            right = min(cols[-1] + PATCH, width - dx)
            if y < 0 or y + PATCH > height or right - left < PATCH:
                continue
            here, there = rows[r] * PITCH + left, y * PITCH + left + dx
            _patch_distances(levels[here:], levels[there:], right - left, column_sums, distances)
            first, last = 0, len(cols)
            while cols[first] < left:
                first += 1
            while cols[last - 1] + PATCH > right:
                last -= 1
            for c in range(first, last):
                match = (np.int32(distances[cols[c] - left]) << INDEX_BITS) | index
                if match < worst[c]:
                    _insert(ranking[r, c], match)
                    worst[c] = ranking[r, c, count - 1]
    return ranking


@compiled
def _patch_distances(
    here: Luminance,
    there: Luminance,
    size: int,
    column_sums: NDArray[np.int16],
    distances: NDArray[np.int16],
) -> None:
    """Distances of the patches that begin at `here[x]` and `there[x]`, for x up to size - PATCH."""
    padded = (size + _BLOCK - 1) // _BLOCK * _BLOCK
    for x in range(padded):
        column_sums[x] = (
            _gap(here[x], there[x])
            + _gap(here[x + PITCH], there[x + PITCH])
            + _gap(here[x + 2 * PITCH], there[x + 2 * PITCH])
            + _gap(here[x + 3 * PITCH], there[x + 3 * PITCH])
            + _gap(here[x + 4 * PITCH], there[x + 4 * PITCH])
            + _gap(here[x + 5 * PITCH], there[x + 5 * PITCH])
            + _gap(here[x + 6 * PITCH], there[x + 6 * PITCH])
            + _gap(here[x + 7 * PITCH], there[x + 7 * PITCH])
        )
    for x in range(padded):
        distances[x] = (
            (column_sums[x] + column_sums[x + 1])
            + (column_sums[x + 2] + column_sums[x + 3])
            + (column_sums[x + 4] + column_sums[x + 5])
            + (column_sums[x + 6] + column_sums[x + 7])
        )


@compiled
def _gap(a: np.int16, b: np.int16) -> np.int16:
    # abs(a - b) would be computed in 64 bits; this stays in the 16 bits of its operands.
    return max(a, b) - min(a, b)


@compiled
def _insert(ranking: Matches, match: np.int32) -> None:
    """Put a match where it belongs in an ascending ranking; the last one drops out."""
    place = len(ranking) - 1
    while place > 0 and ranking[place - 1] > match:
        ranking[place] = ranking[place - 1]
        place -= 1
    ranking[place] = match
