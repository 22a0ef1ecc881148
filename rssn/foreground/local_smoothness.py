"""Foreground colours smoothed where alpha is small, from coarse to fine.

Wang, Xie, Han and Qi, "Improving deep image matting via local smoothness assumption", section 4.1:
the refined F̂ minimises ½ Σ_i (α_i² (F̂_i - F_i)² + κ (1 - α_i)² Σ_j (F̂_i - F̂_j)²), where j runs
over the four neighbours of i. The channels are independent.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.compiled import compiled
from rssn.imaging.resizing import resize

Floats = NDArray[np.float32]
Border = Literal["free", "mirrored"]


def refine(
    colours: Floats,
    alpha: Floats,
    scales: int = 6,
    smoothness: float = 1.0,
    iterations: int = 20,
    border: Border = "free",
) -> Floats:
    """Refine from the coarsest scale to the image's own (algorithm 2).

    Args:
        colours: Float32 (H, W, C), the given F, weighted by α².
        alpha: Float32 (H, W) in [0, 1].
        scales: S of the paper; scale s is 2^s times smaller than the image.
        smoothness: κ of the paper, above 0.
        iterations: T of the paper; scale s takes 2^s T of them.
        border: `free` leaves out the neighbours that a pixel of the border lacks; `mirrored` takes
            the opposite ones instead, as the released code does.

    Returns:
        F̂, float32 (H, W, C), within the range of `colours` except for rounding.

    Note:
        The fixed point of `mirrored` is not the minimum of the energy above. Scales are rounded
        down to whole pixels, as in the released code.
    """
    height, width = alpha.shape
    weighted = alpha[..., None] * colours
    refined = colours
    for scale in reversed(range(scales)):
        size = max(1, height >> scale), max(1, width >> scale)
        if max(size) == 1 and border == "free":  # one pixel has no neighbours to be smooth with
            continue
        refined = simple_refine(
            resize(weighted, size, shrink="linear"),
            resize(alpha, size, shrink="linear"),
            resize(refined, size, shrink="linear"),
            smoothness,
            iterations << scale,
            border,
        )
    return refined


def simple_refine(
    weighted: Floats,
    alpha: Floats,
    start: Floats,
    smoothness: float,
    iterations: int,
    border: Border = "free",
) -> Floats:
    """Run Jacobi steps at one scale (algorithm 1).

    Args:
        weighted: Float32 (H, W, C), αF, of at least two pixels.
        alpha: Float32 (H, W) in [0, 1].
        start: Float32 (H, W, C), the initial F̂.
        smoothness: κ of the paper, above 0.
        iterations: Number of steps.
        border: As for `refine`.

    Returns:
        F̂ after the steps, float32 (H, W, C).
    """
    height, width, channels = weighted.shape
    edges = _edge_weights(alpha, smoothness, border)
    scale = 1 / (alpha**2 + edges.sum(axis=0))
    # A frame saves the steps all tests for the border.
    framed = np.zeros((channels, height + 2, width + 2), np.float32)
    framed[:, 1:-1, 1:-1] = np.moveaxis(start, -1, 0)
    fixed = np.ascontiguousarray(np.moveaxis((scale * alpha)[..., None] * weighted, -1, 0))
    stepped = _jacobi(framed, fixed, edges * scale, iterations, border == "mirrored")
    return np.ascontiguousarray(np.moveaxis(stepped[:, 1:-1, 1:-1], 0, -1))


def energy(refined: Floats, given: Floats, alpha: Floats, smoothness: float = 1.0) -> float:
    """Energy of F̂ (H, W, C) for a given F and alpha (H, W), which `refine` lowers."""
    kept = alpha[..., None].astype(np.float64) ** 2 * (refined - given) ** 2
    edges = _edge_weights(alpha, smoothness, "free").astype(np.float64)
    down = edges[1, :-1, :, None] * np.diff(refined, axis=0) ** 2
    across = edges[3, :, :-1, None] * np.diff(refined, axis=1) ** 2
    return float(kept.sum() + down.sum() + across.sum()) / 2


def _edge_weights(alpha: Floats, smoothness: float, border: Border) -> Floats:
    """κ(q_i + q_j), q = (1 - α)², towards the pixel above, below, left and right: (4, H, W)."""
    q = np.float32(smoothness) * (1 - alpha) ** 2
    edges = np.zeros((4, *alpha.shape), np.float32)
    edges[0, 1:] = edges[1, :-1] = q[1:] + q[:-1]
    edges[2, :, 1:] = edges[3, :, :-1] = q[:, 1:] + q[:, :-1]
    if border == "mirrored":
        around = np.pad(q, 1, mode="reflect")
        edges[0, 0], edges[1, -1] = q[0] + around[0, 1:-1], q[-1] + around[-1, 1:-1]
        edges[2, :, 0], edges[3, :, -1] = q[:, 0] + around[1:-1, 0], q[:, -1] + around[1:-1, -1]
    return edges


@compiled
def _jacobi(start: Floats, fixed: Floats, edges: Floats, iterations: int, mirrored: bool) -> Floats:
    """F̂_i ← fixed_i + Σ_j edge_ij F̂_j; `start` (C, H + 2, W + 2) is overwritten."""
    channels, height, width = fixed.shape
    before, after = start, np.zeros_like(start)
    # A side of one pixel mirrors into itself.
    rows, columns = min(2, height), min(2, width)
    for _ in range(iterations):
        if mirrored:
            before[:, 0], before[:, height + 1] = before[:, rows], before[:, height + 1 - rows]
            before[:, :, 0] = before[:, :, columns]
            before[:, :, width + 1] = before[:, :, width + 1 - columns]
        for y in range(height):
            up, down, left, right = edges[0, y], edges[1, y], edges[2, y], edges[3, y]
            for c in range(channels):
                above, row, below = before[c, y], before[c, y + 1], before[c, y + 2]
                given, out = fixed[c, y], after[c, y + 1]
                for x in range(width):
                    out[x + 1] = (
                        given[x]
                        + (up[x] * above[x + 1] + down[x] * below[x + 1])
                        + (left[x] * row[x] + right[x] * row[x + 2])
                    )
        before, after = after, before
    return before
