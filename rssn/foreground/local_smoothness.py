"""Foreground colours made smooth where they hardly show, from coarse to fine.

Wang, Xie, Han and Qi, "Improving deep image matting via local smoothness assumption", section 4.1:
the refined F̂ minimises ½ Σ_i (α_i² (F̂_i - F_i)² + κ (1 - α_i)² Σ_j (F̂_i - F̂_j)²), where j runs
over the four neighbours of i. The channels do not touch one another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.compiled import compiled
from rssn.imaging.resizing import resize

Floats = NDArray[np.float32]


def refine(
    colours: Floats,
    alpha: Floats,
    scales: int = 6,
    smoothness: float = 1.0,
    iterations: int = 20,
) -> Floats:
    """Refine from the coarsest scale to the image's own (algorithm 2).

    Args:
        colours: Float32 (H, W, C), the given F; it counts by α², so not at all where alpha is 0.
        alpha: Float32 (H, W) in [0, 1].
        scales: S of the paper; scale s is 2^s times smaller than the image.
        smoothness: κ of the paper, above 0.
        iterations: T of the paper; scale s takes 2^s T of them.

    Returns:
        F̂, float32 (H, W, C), but for rounding within the range of `colours`.

    Note:
        A pixel of the border has fewer neighbours than four here. The released code repeats the
        opposite neighbour in place of the missing one, whose fixed point is not the minimum of the
        energy above. Scales are rounded down to whole pixels, as there.
    """
    height, width = alpha.shape
    weighted = alpha[..., None] * colours
    refined = colours
    for scale in reversed(range(scales)):
        size = max(1, height >> scale), max(1, width >> scale)
        if max(size) == 1:  # one pixel has no neighbours to be smooth with
            continue
        refined = simple_refine(
            resize(weighted, size, shrink="linear"),
            resize(alpha, size, shrink="linear"),
            resize(refined, size, shrink="linear"),
            smoothness,
            iterations << scale,
        )
    return refined


def simple_refine(
    weighted: Floats, alpha: Floats, start: Floats, smoothness: float, iterations: int
) -> Floats:
    """Jacobi steps at one scale (algorithm 1).

    Args:
        weighted: Float32 (H, W, C), αF, of at least two pixels.
        alpha: Float32 (H, W) in [0, 1].
        start: Float32 (H, W, C), what the first step begins with.
        smoothness: κ of the paper, above 0.
        iterations: Number of steps.

    Returns:
        F̂ after the steps, float32 (H, W, C).
    """
    height, width, channels = weighted.shape
    edges = _edge_weights(alpha, smoothness)
    scale = 1 / (alpha**2 + edges.sum(axis=0))
    # A frame of zeros spares the steps every question about the border.
    framed = np.zeros((channels, height + 2, width + 2), np.float32)
    framed[:, 1:-1, 1:-1] = np.moveaxis(start, -1, 0)
    fixed = np.ascontiguousarray(np.moveaxis((scale * alpha)[..., None] * weighted, -1, 0))
    stepped = _jacobi(framed, fixed, edges * scale, iterations)
    return np.ascontiguousarray(np.moveaxis(stepped[:, 1:-1, 1:-1], 0, -1))


def _edge_weights(alpha: Floats, smoothness: float) -> Floats:
    """κ(q_i + q_j), q = (1 - α)², towards the pixel above, below, left and right: (4, H, W)."""
    q = np.float32(smoothness) * (1 - alpha) ** 2
    edges = np.zeros((4, *alpha.shape), np.float32)
    edges[0, 1:] = edges[1, :-1] = q[1:] + q[:-1]
    edges[2, :, 1:] = edges[3, :, :-1] = q[:, 1:] + q[:, :-1]
    return edges


@compiled
def _jacobi(start: Floats, fixed: Floats, edges: Floats, iterations: int) -> Floats:
    """F̂_i ← fixed_i + Σ_j edge_ij F̂_j; `start` (C, H + 2, W + 2) is overwritten."""
    channels, height, width = fixed.shape
    before, after = start, np.zeros_like(start)
    for _ in range(iterations):
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
