"""Block matching for BM3D: the patches most similar to each reference patch (compiled).

For one displacement, the distances of a whole row of reference patches share their column sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.compiled import compiled

PATCH = 8
PITCH = 168  # places in a row of a tile's working memory; a constant lets the compiler vectorise
INDEX_BITS = 11  # a match is distance << INDEX_BITS | index of the displacement
INDEX_MASK = (1 << INDEX_BITS) - 1
FARTHEST = (1 << (31 - INDEX_BITS)) - 1
NO_MATCH = FARTHEST << INDEX_BITS
_BLOCK = 16  # columns are handled in whole blocks: no scalar rest

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
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
    luminance: Floats, rows: Indices, cols: Indices, offsets: Indices, count: int, limit: np.float32
) -> Matches:
    """Rank the patches around every reference patch of a tile by the squared difference.

    Args:
        luminance: The tile, (h, w), w <= PITCH.
        rows: Ascending top rows of the reference patches, (n,).
        cols: Ascending left columns of the reference patches, (m,).
        offsets: Displacements to try, (N, 2), at most 2 ** INDEX_BITS; the first must be (0, 0).
        count: Number of matches.
        limit: Mean squared difference at which patches stop matching.

    Returns:
        (n, m, count), best first: `distance << INDEX_BITS | index into offsets`, the distance in
        units of limit / (2 ** 20 - 1), rounded down; NO_MATCH fills the rest. Equal distances are
        ranked by index.
    """
    height, width = luminance.shape
    levels = np.zeros(height * PITCH + _BLOCK, np.float32)
    for y in range(height):
        for x in range(width):
            levels[y * PITCH + x] = luminance[y, x]
    ranking = np.empty((len(rows), len(cols), count), np.int32)
    ranking[:] = NO_MATCH
    worst = np.empty(len(cols), np.int32)
    scale = np.float32(FARTHEST) / (limit * np.float32(PATCH * PATCH))
    column_sums = np.zeros(PITCH + 2 * _BLOCK, np.float32)
    distances = np.empty(PITCH + _BLOCK, np.int32)
    for r in range(len(rows)):
        worst[:] = NO_MATCH
        for index in range(len(offsets)):
            y = rows[r] + offsets[index, 0]
            dx = offsets[index, 1]
            left = max(cols[0], -dx)
            right = min(cols[-1] + PATCH, width - dx)
            if y < 0 or y + PATCH > height or right - left < PATCH:
                continue
            here, there = levels[rows[r] * PITCH + left :], levels[y * PITCH + left + dx :]
            _patch_distances(here, there, right - left, scale, column_sums, distances)
            first, last = 0, len(cols)
            while cols[first] < left:
                first += 1
            while cols[last - 1] + PATCH > right:
                last -= 1
            for c in range(first, last):
                match = (distances[cols[c] - left] << INDEX_BITS) | index
                if match < worst[c]:
                    _insert(ranking[r, c], match)
                    worst[c] = ranking[r, c, count - 1]
    return ranking


@compiled
def _patch_distances(
    here: Floats,
    there: Floats,
    size: int,
    scale: np.float32,
    column_sums: Floats,
    distances: NDArray[np.int32],
) -> None:
    """Distances of the patches that begin at `here[x]` and `there[x]`, for x up to size - PATCH."""
    padded = (size + _BLOCK - 1) // _BLOCK * _BLOCK
    for x in range(padded):
        column_sums[x] = (
            _square(here[x], there[x])
            + _square(here[x + PITCH], there[x + PITCH])
            + _square(here[x + 2 * PITCH], there[x + 2 * PITCH])
            + _square(here[x + 3 * PITCH], there[x + 3 * PITCH])
        ) + (
            _square(here[x + 4 * PITCH], there[x + 4 * PITCH])
            + _square(here[x + 5 * PITCH], there[x + 5 * PITCH])
            + _square(here[x + 6 * PITCH], there[x + 6 * PITCH])
            + _square(here[x + 7 * PITCH], there[x + 7 * PITCH])
        )
    for x in range(padded):
        total = (
            (column_sums[x] + column_sums[x + 1])
            + (column_sums[x + 2] + column_sums[x + 3])
            + (column_sums[x + 4] + column_sums[x + 5])
            + (column_sums[x + 6] + column_sums[x + 7])
        )
        distances[x] = np.int32(min(total * scale, np.float32(FARTHEST)))


@compiled
def _square(a: np.float32, b: np.float32) -> np.float32:
    return (a - b) * (a - b)


@compiled
def _insert(ranking: Matches, match: np.int32) -> None:
    """Insert a match into an ascending ranking and drop the last one."""
    place = len(ranking) - 1
    while place > 0 and ranking[place - 1] > match:
        ranking[place] = ranking[place - 1]
        place -= 1
    ranking[place] = match
