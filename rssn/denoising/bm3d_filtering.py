"""Collaborative filtering for BM3D: both shrinkage steps on one tile (compiled).

The separable 2-D transform of a patch is split. Its horizontal half is shared by all patches that
contain the same eight pixels, so it is done once for the tile (`_row_spectra`); a patch then needs
the vertical half alone. Filtered patches are added up in the horizontally transformed domain, and
`_spread` undoes that half once at the end. The three channels lie side by side in 24 lanes.
"""

from __future__ import annotations

import numpy as np

from rssn.denoising.bm3d_matching import (
    INDEX_MASK,
    NO_MATCH,
    PATCH,
    PITCH,
    Floats,
    Indices,
    Matches,
)
from rssn.denoising.bm3d_transforms import LANES, invert, transform
from rssn.imaging.compiled import compiled

_ROW = PITCH * LANES  # floats from a place to the one below
_SIZE = PATCH * LANES  # floats of a patch
LAMBDA = np.float32(2.7)  # threshold of the first step in units of sigma
WINDOW = np.kaiser(PATCH, 2.0).astype(np.float32)
_ZERO, _ONE, _SQRT_HALF = np.float32(0), np.float32(1), np.float32(0.5**0.5)


@compiled
def filter_tile(
    noisy: Floats,
    pilot: Floats,
    rows: Indices,
    cols: Indices,
    matches: Matches,
    offsets: Indices,
    sigma: np.float32,
    wiener: bool,
) -> tuple[Floats, Floats]:
    """Shrink the spectra of groups of similar patches of a tile: one step of BM3D.

    The first step takes Bior1.5 wavelets and hard thresholding, the second (`wiener`) the DCT and
    Wiener gains from the result of the first.

    Args:
        noisy: Opponent channels of the tile, (3, h, w), w <= PITCH.
        pilot: The same tile after the first step; not used in the first step.
        rows: Top rows of the reference patches, (n,).
        cols: Left columns of the reference patches, (m,).
        matches: (n, m, count) from `match_blocks`; count is a power of two.
        offsets: Displacements of the matches.
        sigma: Standard deviation of the noise in every channel.
        wiener: True in the second step.

    Returns:
        Weighted sum of the estimates and sum of the weights, both (3, h, w).
    """
    wavelet = not wiener
    spectra = _row_spectra(noisy, wavelet)
    pilot_spectra = _row_spectra(pilot, wavelet) if wiener else spectra
    sums = np.zeros_like(spectra)
    weights = np.zeros((noisy.shape[1], PITCH, 3), np.float32)
    group = np.empty((matches.shape[2], _SIZE), np.float32)
    pilot_group = np.empty_like(group)
    places = np.empty((matches.shape[2], 2), np.int64)
    energy = np.empty(LANES, np.float32)
    for r in range(len(rows)):
        for c in range(len(cols)):
            size = _group_places(matches[r, c], offsets, rows[r], cols[c], places)
            _gather(spectra, places[:size], group, wavelet)
            if wiener:
                _gather(pilot_spectra, places[:size], pilot_group, wavelet)
                _shrink_wiener(group[:size], pilot_group, sigma * sigma, energy)
            else:
                _shrink_hard(group[:size], LAMBDA * sigma, energy)
            _scatter(group, energy, places[:size], sums, weights, wavelet)
    return _spread(sums, weights, noisy.shape[2], wavelet)


@compiled
def _group_places(ranking: Matches, offsets: Indices, y: int, x: int, places: Indices) -> int:
    """Write the (y, x) of the group's patches; their number is a power of two, for Haar."""
    size = 1
    while 2 * size <= len(ranking) and ranking[2 * size - 1] != NO_MATCH:
        size *= 2
    for p in range(size):
        index = ranking[p] & INDEX_MASK
        places[p, 0] = y + offsets[index, 0]
        places[p, 1] = x + offsets[index, 1]
    return size


@compiled
def _gather(spectra: Floats, places: Indices, group: Floats, wavelet: bool) -> None:
    """Collect patches, finish their 2-D transform and transform along the group."""
    size = len(places)
    for p in range(size):
        start = places[p, 0] * _ROW + places[p, 1] * LANES
        patch = group[p]
        for i in range(PATCH):
            row, target = spectra[start + i * _ROW :], patch[i * LANES :]
            for lane in range(LANES):
                target[lane] = row[lane]
        transform(patch, wavelet)
    stride = 1
    while stride < size:
        _haar(group[:size], stride)
        stride *= 2


@compiled
def _scatter(
    group: Floats, energy: Floats, places: Indices, sums: Floats, weights: Floats, wavelet: bool
) -> None:
    """Undo `_gather` and add the patches to the sums, weighted by their certainty.

    The weight of a channel is the inverse of the variance that the filter left in it, which is
    proportional to its `energy`, the sum of the squared gains.
    """
    size = len(places)
    stride = size // 2
    while stride > 0:
        _haar(group[:size], stride)
        stride //= 2
    lane_weights = np.empty(LANES, np.float32)
    for first in range(0, LANES, PATCH):
        total = _ZERO
        for lane in range(first, first + PATCH):
            total += energy[lane]
        for lane in range(first, first + PATCH):
            lane_weights[lane] = _ONE / max(total, _ONE)
    for p in range(size):
        y, x = places[p]
        for channel in range(3):
            weights[y, x, channel] += lane_weights[channel * PATCH]
        patch = group[p]
        invert(patch, wavelet)
        start = y * _ROW + x * LANES
        for i in range(PATCH):
            row, target = patch[i * LANES :], sums[start + i * _ROW :]
            for lane in range(LANES):
                target[lane] += WINDOW[i] * lane_weights[lane] * row[lane]


@compiled
def _haar(group: Floats, stride: int) -> None:
    """One level of the orthonormal Haar transform along the group, in place; its own inverse."""
    for p in range(0, len(group), 2 * stride):
        first, second = group[p], group[p + stride]
        for i in range(_SIZE):
            a, b = first[i], second[i]
            first[i] = (a + b) * _SQRT_HALF
            second[i] = (a - b) * _SQRT_HALF


@compiled
def _shrink_hard(group: Floats, threshold: np.float32, kept: Floats) -> None:
    """Zero the small coefficients, in place, and count the others for each lane."""
    means = group[0, 0], group[0, PATCH], group[0, 2 * PATCH]
    kept[:] = _ZERO
    for p in range(len(group)):
        for i in range(0, _SIZE, LANES):
            row = group[p, i:]
            for lane in range(LANES):
                keep = np.float32(abs(row[lane]) > threshold)
                kept[lane] += keep
                row[lane] *= keep
    group[0, 0], group[0, PATCH], group[0, 2 * PATCH] = means  # a group keeps its mean colour


@compiled
def _shrink_wiener(group: Floats, pilot: Floats, variance: np.float32, energy: Floats) -> None:
    """Multiply by the empirical Wiener gains, in place, and sum their squares for each lane."""
    means = group[0, 0], group[0, PATCH], group[0, 2 * PATCH]
    energy[:] = _ZERO
    for p in range(len(group)):
        for i in range(0, _SIZE, LANES):
            row, guide = group[p, i:], pilot[p, i:]
            for lane in range(LANES):
                power = guide[lane] * guide[lane]
                gain = power / (power + variance)
                row[lane] *= gain
                energy[lane] += gain * gain
    group[0, 0], group[0, PATCH], group[0, 2 * PATCH] = means


@compiled
def _row_spectra(planes: Floats, wavelet: bool) -> Floats:
    """Transform the eight pixels from every place to its right: flat (h, PITCH, LANES)."""
    _, height, width = planes.shape
    spectra = np.zeros((height, PITCH, LANES), np.float32)
    block = np.zeros(_SIZE, np.float32)  # eight shifted copies of a piece of a row
    for y in range(height):
        for channel in range(3):
            for left in range(0, width - PATCH + 1, LANES):
                size = min(LANES, width - PATCH + 1 - left)
                for j in range(PATCH):
                    row, target = planes[channel, y, left + j :], block[j * LANES :]
                    for x in range(size):
                        target[x] = row[x]
                transform(block, wavelet)
                for x in range(size):
                    for j in range(PATCH):
                        spectra[y, left + x, channel * PATCH + j] = block[j * LANES + x]
    return spectra.reshape(height * _ROW)


@compiled
def _spread(sums: Floats, weights: Floats, width: int, wavelet: bool) -> tuple[Floats, Floats]:
    """Undo the row transform of the sums, and spread sums and weights over the patches' pixels."""
    height, places = len(weights), width - PATCH + 1
    spectra = sums.reshape(height, PITCH, LANES)
    total = np.zeros((3, height, width), np.float32)
    weight = np.zeros((3, height, width), np.float32)
    block = np.zeros(_SIZE, np.float32)
    line = np.empty(width, np.float32)
    for channel in range(3):
        for y in range(height):
            for left in range(0, places, LANES):
                size = min(LANES, places - left)
                for x in range(size):
                    for j in range(PATCH):
                        block[j * LANES + x] = spectra[y, left + x, channel * PATCH + j]
                invert(block, wavelet)
                for j in range(PATCH):
                    target = total[channel, y, left + j : left + j + size]
                    for x in range(size):
                        target[x] += WINDOW[j] * block[j * LANES + x]
        for y in range(height - PATCH + 1):
            line[:] = _ZERO
            for x in range(places):
                for j in range(PATCH):
                    line[x + j] += WINDOW[j] * weights[y, x, channel]
            for i in range(PATCH):
                target = weight[channel, y + i]
                for x in range(width):
                    target[x] += WINDOW[i] * line[x]
    return total, weight
