"""Linear system of Levin's closed-form foregrounds, solved inside a mask only.

Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", section 6: F and B
minimise Σ_i (α_i F_i + (1 - α_i) B_i - I_i)² + Σ_edges w_ij ((F_i - F_j)² + (B_i - B_j)²). Every
pixel has the two unknowns F and B per colour channel; the channels are independent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.compiled import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Indices = NDArray[np.int32]
_SMOOTHNESS = 1e-5  # where alpha is flat, ε of the paper
_MOST_ITERATIONS = 2000  # photographs take 50 to 250
_NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0))


class System(NamedTuple):
    """Normal equations over the n pixels of the mask, neighbours outside it eliminated."""

    alpha: Floats  # (n,)
    neighbours: Indices  # (n, 4), own index where there is none in the mask
    weights: Floats  # (n, 4), 0 where there is none in the mask
    degree: Floats  # (n,) sum of all edge weights, those that leave the mask too
    right_side: Floats  # (n, 6): F red, green, blue, B red, green, blue


def solve(
    image: Floats,
    alpha: Floats,
    start: Floats,
    mask: NDArray[np.bool_],
    tolerance: float = 3e-5,
) -> Floats:
    """Solve for F and B in the mask; the values of `start` outside it are the border condition.

    Args:
        image: Float32 (H, W, 3) in [0, 1].
        alpha: Float32 (H, W) in [0, 1].
        start: Float32 (H, W, 6), the initial F and B.
        mask: Bool (H, W), the pixels to solve for.
        tolerance: Stop at this residual, relative to the right side, or after 2000 iterations.

    Returns:
        Float32 (n, 6) in the order of `mask`'s pixels, F before B, not clipped.
    """
    system = _assemble(image, alpha, start, mask)
    return _conjugate_gradient(start[mask], *system, tolerance, _MOST_ITERATIONS)


def _assemble(image: Floats, alpha: Floats, start: Floats, mask: NDArray[np.bool_]) -> System:
    height, width = alpha.shape
    rows, columns = np.nonzero(mask)
    count = len(rows)
    index = np.full(alpha.shape, -1, np.int32)
    index[mask] = np.arange(count, dtype=np.int32)
    own = alpha[mask]
    neighbours = np.repeat(np.arange(count, dtype=np.int32)[:, None], 4, axis=1)
    weights = np.zeros((count, 4), np.float32)
    degree = np.zeros(count, np.float32)
    pixels = image[mask]
    right_side = np.concatenate([own[:, None] * pixels, (1 - own)[:, None] * pixels], axis=1)
    for direction, (down, right) in enumerate(_NEIGHBOURS):
        y, x = rows + down, columns + right
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        y, x = y.clip(0, height - 1), x.clip(0, width - 1)
        # Twice: the sum of the paper counts every edge from both ends.
        weight = np.where(inside, 2 * (_SMOOTHNESS + np.abs(own - alpha[y, x])), 0)
        degree += weight.astype(np.float32)
        other = index[y, x]
        solved = inside & (other >= 0)
        neighbours[solved, direction] = other[solved]
        weights[solved, direction] = weight[solved]
        fixed = inside & (other < 0)
        right_side[fixed] += weight[fixed, None] * start[y[fixed], x[fixed]]
    return System(own, neighbours, weights, degree, right_side.astype(np.float32))


@compiled
def _multiply(
    vector: Floats,
    alpha: Floats,
    neighbours: Indices,
    weights: Floats,
    degree: Floats,
    product: Floats,
    inner: Doubles,
) -> None:
    """`product` = matrix times `vector`; `inner[c]` = vector · product in channel c."""
    inner[:] = 0
    for i in range(len(alpha)):
        a = alpha[i]
        b = np.float32(1) - a
        for c in range(3):
            mixed = a * vector[i, c] + b * vector[i, c + 3]
            product[i, c] = degree[i] * vector[i, c] + a * mixed
            product[i, c + 3] = degree[i] * vector[i, c + 3] + b * mixed
        for d in range(4):
            w = weights[i, d]
            j = neighbours[i, d]
            for c in range(6):
                product[i, c] -= w * vector[j, c]
        for c in range(3):
            inner[c] += vector[i, c] * product[i, c] + vector[i, c + 3] * product[i, c + 3]


@compiled
def _advance(
    x: Floats,
    residual: Floats,
    direction: Floats,
    product: Floats,
    step: Floats,
    alpha: Floats,
    degree: Floats,
    energy: Doubles,
    norms: Doubles,
) -> None:
    """Step along the direction, then overwrite `product` by the preconditioned residual.

    The preconditioner solves the 2x2 block of every pixel, which holds the coupling of F and B.
    `energy[c]` = residual · preconditioned residual, `norms[c]` = |residual|² of channel c.
    """
    energy[:] = 0
    norms[:] = 0
    for i in range(len(alpha)):
        a = alpha[i]
        b = np.float32(1) - a
        ff, bb, fb = degree[i] + a * a, degree[i] + b * b, a * b
        scale = np.float32(1) / (ff * bb - fb * fb)
        for c in range(3):
            x[i, c] += step[c] * direction[i, c]
            x[i, c + 3] += step[c] * direction[i, c + 3]
            rf = residual[i, c] - step[c] * product[i, c]
            rb = residual[i, c + 3] - step[c] * product[i, c + 3]
            zf = scale * (bb * rf - fb * rb)
            zb = scale * (ff * rb - fb * rf)
            residual[i, c], residual[i, c + 3] = rf, rb
            product[i, c], product[i, c + 3] = zf, zb
            energy[c] += rf * zf + rb * zb
            norms[c] += rf * rf + rb * rb


@compiled
def _conjugate_gradient(
    start: Floats,
    alpha: Floats,
    neighbours: Indices,
    weights: Floats,
    degree: Floats,
    right_side: Floats,
    tolerance: float,
    most_iterations: int,
) -> Floats:
    """Preconditioned conjugate gradients, the channels side by side with scalars of their own."""
    x = start.copy()
    direction = np.zeros_like(x)
    product = np.zeros_like(x)
    energy, inner, norms = np.zeros(3), np.zeros(3), np.zeros(3)
    step, beta = np.zeros(3, np.float32), np.zeros(3, np.float32)
    limits = np.zeros(3)
    for i in range(len(alpha)):
        for c in range(3):
            limits[c] += right_side[i, c] ** 2 + right_side[i, c + 3] ** 2
    limits *= tolerance * tolerance
    _multiply(x, alpha, neighbours, weights, degree, product, inner)
    residual = right_side - product
    _advance(x, residual, direction, product, step, alpha, degree, energy, norms)
    for _ in range(most_iterations):
        if (norms <= limits).all():
            break
        for i in range(len(alpha)):
            for c in range(3):
                direction[i, c] = product[i, c] + beta[c] * direction[i, c]
                direction[i, c + 3] = product[i, c + 3] + beta[c] * direction[i, c + 3]
        _multiply(direction, alpha, neighbours, weights, degree, product, inner)
        previous = energy.copy()
        for c in range(3):  # a channel that is solved to the last bit stands still
            step[c] = energy[c] / inner[c] if inner[c] > 0 else 0.0
        _advance(x, residual, direction, product, step, alpha, degree, energy, norms)
        for c in range(3):
            beta[c] = energy[c] / previous[c] if previous[c] > 0 else 0.0
    return x
