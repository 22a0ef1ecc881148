"""BM3D for colour images in torch, for GPUs: the algorithm of `bm3d_fast` on whole tensors.

A patch's spectrum does not depend on its group, so the spectra of a tile's places are computed
once. Groups gather theirs, and the filtered ones are added up at their places; one inverse
transform at the end turns the sums into pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import fold

from rssn.denoising.bm3d_filtering import LAMBDA, WINDOW
from rssn.denoising.bm3d_matching import INDEX_MASK, NO_MATCH, PATCH, search_offsets
from rssn.denoising.bm3d_steps import (
    LEAST_SIGMA,
    SEARCH_RADIUS,
    THRESHOLD_STEP,
    WIENER_STEP,
    Step,
    opponent_planes,
    rgb_image,
    tile_window,
    tiles,
)
from rssn.denoising.bm3d_torch_matching import Starts, match_blocks
from rssn.denoising.bm3d_transforms import LANES, invert, transform
from rssn.imaging.images import Uint8Image

TILE = 256  # px: keeps memory below 1 GB beside the image, whatever its size
_BATCH = 1 << 14  # patches filtered at once
_FIXED_POINT = 2.0**32  # a sum stays below 2 ** 20: 169 groups with coefficients up to 3533


def bm3d(image: Uint8Image, sigma: float, device: str = "cpu") -> Uint8Image:
    """Denoise a colour image (H, W, 3) on a device of torch, as `rssn.denoising.bm3d_fast.bm3d`.

    The result differs by the rounding of sums alone, and is the same in every run on a kind of
    device.
    """
    with torch.inference_mode():
        noisy = torch.from_numpy(opponent_planes(image)).to(device)
        basic = _run_step(THRESHOLD_STEP, noisy, None, sigma)
        final = _run_step(WIENER_STEP, noisy, basic, sigma)
        return rgb_image(final.cpu().numpy(), image.shape)


def _run_step(step: Step, noisy: Tensor, pilot: Tensor | None, sigma: float) -> Tensor:
    """Filter all tiles and average the overlapping estimates."""
    guide = (noisy if pilot is None else pilot)[0] / 3**0.5  # 0..255
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy)
    for tile in tiles(guide.shape, step.stride, TILE, TILE):
        y, x = tile_window(tile, guide.shape)
        rows, cols = tile[0] - y.start, tile[1] - x.start
        matches = match_blocks(
            guide[y, x], rows, cols, SEARCH_RADIUS, step.matches, step.limit(sigma)
        )
        groups = _groups(matches, _places(matches, rows, cols, x.stop - x.start))
        tile_pilot = None if pilot is None else pilot[:, y, x]
        tile_total, tile_weight = _filter(noisy[:, y, x], tile_pilot, groups, sigma)
        total[:, y, x] += tile_total
        weight[:, y, x] += tile_weight
    return total / weight


def _places(matches: Tensor, rows: Starts, cols: Starts, width: int) -> Tensor:
    """Indices of the matches among all places of a patch in a tile `width` px wide."""
    row = width - PATCH + 1  # places in a row
    references = rows[:, None] * row + cols
    displacements = search_offsets(SEARCH_RADIUS) @ np.array([row, 1])
    moved = torch.from_numpy(displacements).to(matches.device)[matches & INDEX_MASK]
    return torch.from_numpy(references.reshape(-1, 1)).to(matches.device) + moved


def _filter(
    noisy: Tensor, pilot: Tensor | None, groups: Iterable[Tensor], sigma: float
) -> tuple[Tensor, Tensor]:
    """Shrink the spectra of groups of similar patches of a tile: one step of BM3D.

    Takes opponent channels (3, h, w) and, in the second step, the result of the first; groups are
    places (N, size). Returns the weighted sum of the estimates and the sum of the weights.
    """
    spectra = _spectra(noisy, pilot is None)
    guides = None if pilot is None else _spectra(pilot, False)
    # Integers, whose sum does not depend on the order in which a GPU's threads add.
    sums = torch.zeros_like(spectra, dtype=torch.int64)
    weights = sums.new_zeros(len(spectra), 3)
    for places in groups:
        guide = None if guides is None else guides[places]
        estimates, weight = _shrink(spectra[places], guide, max(sigma, LEAST_SIGMA))
        patches = places.flatten()
        sums.index_add_(0, patches, _fixed(estimates).flatten(0, 1))
        weights.index_add_(0, patches, _fixed(weight).repeat_interleave(places.shape[1], dim=0))
    return _spread(sums, weights, noisy.shape, pilot is None)


def _groups(matches: Tensor, places: Tensor) -> Iterator[Tensor]:
    """Groups of each size, a power of two for Haar, in batches: places (N, size)."""
    found = (matches != NO_MATCH).sum(dim=1)
    size = 1
    while size <= matches.shape[1]:
        of_size = ((found >= size) & (found < 2 * size)).nonzero().squeeze(1)
        for chosen in torch.split(of_size, _BATCH // size):
            yield places[chosen, :size]
        size *= 2


def _shrink(group: Tensor, pilot: Tensor | None, sigma: float) -> tuple[Tensor, Tensor]:
    """Filter the spectra (N, size, 3, 64) of groups: hard thresholding, or Wiener by a pilot.

    Returns the filtered spectra times their weights, and the weights of the channels, (N, 3).
    """
    haar = torch.from_numpy(haar_matrix(group.shape[1])).to(group.device)
    coefficients = _along_group(haar, group)
    if pilot is None:
        gains = (coefficients.abs() > float(LAMBDA) * sigma).float()
    else:
        power = _along_group(haar, pilot).square_()
        gains = power / (power + sigma**2)
    # The inverse of the variance that the filter leaves in a channel.
    weight = gains.square().sum(dim=(1, 3)).clamp_(min=1).reciprocal_()
    gains[:, 0, :, 0] = 1  # a group keeps its mean colour
    estimates = _along_group(haar.T, coefficients.mul_(gains))
    return estimates.mul_(weight[:, None, :, None]), weight


def _along_group(matrix: Tensor, group: Tensor) -> Tensor:
    """Multiply the patches' axis of groups (N, size, 3, 64) by a matrix (size, size)."""
    return torch.matmul(matrix, group.flatten(2)).view(group.shape)


def _fixed(values: Tensor) -> Tensor:
    """Integers in units of 1 / _FIXED_POINT."""
    return (values * _FIXED_POINT).to(torch.int64)


def _floating(values: Tensor) -> Tensor:
    """Undo `_fixed`."""
    return values.to(torch.float32) / _FIXED_POINT


def _spectra(planes: Tensor, wavelet: bool) -> Tensor:
    """The 2-D spectra of the patches at all places of (3, h, w) planes: (places, 3, 64)."""
    matrix = _matrix(transform, wavelet)
    basis = torch.from_numpy(np.kron(matrix, matrix)).to(planes.device)
    patches = planes.unfold(1, PATCH, 1).unfold(2, PATCH, 1).permute(1, 2, 0, 3, 4)
    return patches.reshape(-1, 3, PATCH * PATCH) @ basis.T


def _spread(
    sums: Tensor, weights: Tensor, shape: tuple[int, ...], wavelet: bool
) -> tuple[Tensor, Tensor]:
    """Turn sums of spectra into patches, and add patches and weights up over their pixels."""
    matrix = _matrix(invert, wavelet)
    window = np.outer(WINDOW, WINDOW).reshape(-1, 1)
    basis = torch.from_numpy(window * np.kron(matrix, matrix)).to(sums.device)
    patches = _floating(sums) @ basis.T
    total = fold(patches.permute(1, 2, 0), shape[1:], PATCH)[:, 0]
    windows = torch.from_numpy(window).to(sums.device) * _floating(weights).T[:, None]
    return total, fold(windows, shape[1:], PATCH)[:, 0]


def _matrix(
    function: Callable[[NDArray[np.float32], bool], None], wavelet: bool
) -> NDArray[np.float32]:
    """The (8, 8) matrix of a transform, from the images of the unit vectors."""
    block = np.zeros((PATCH, LANES), np.float32)
    block[:, :PATCH] = np.eye(PATCH)
    flat = block.reshape(-1)
    function(flat, wavelet)
    return block[:, :PATCH]


def haar_matrix(size: int) -> NDArray[np.float32]:
    """The orthonormal Haar transform of `size` values, a power of two; the mean comes first."""
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < size:
        means, details = np.kron(matrix, [1, 1]), np.kron(np.eye(len(matrix)), [1, -1])
        matrix = (np.concatenate([means, details]) / 2**0.5).astype(np.float32)
    return matrix
