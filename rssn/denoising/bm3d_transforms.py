"""The transforms of BM3D's patches along one axis: Bior1.5 and the DCT (compiled)."""

from __future__ import annotations

import numpy as np

from rssn.denoising.bm3d_matching import PATCH, Floats
from rssn.imaging.compiled import compiled

LANES = 3 * PATCH  # transforms at once: a patch's three channels lie side by side
_HALF, _SQRT_HALF, _SQRT_EIGHTH = np.float32(0.5), np.float32(0.5**0.5), np.float32(0.125**0.5)
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(np.cos(k * np.pi / 16) / 2) for k in range(1, 8))
# Bior1.5 on eight periodic samples is a Haar transform whose four finest means are corrected by
# _LIFT times the difference of the neighbouring details. The norms make its rows unit vectors.
_LIFT = np.float32(11 / 64)
_NORM_2 = np.float32((1 + 2 * (11 / 64) ** 2) ** 0.5)
_NORM_3 = np.float32((1 + 4 * (11 / 64) ** 2) ** 0.5)


@compiled
def transform(block: Floats, wavelet: bool) -> None:
    """Transform down the eight rows of a flat block of 24 columns, in place; of unit gain."""
    if wavelet:
        _bior(block)
    else:
        _dct(block)


@compiled
def invert(block: Floats, wavelet: bool) -> None:
    """Undo `transform`, in place."""
    if wavelet:
        _inverse_bior(block)
    else:
        _inverse_dct(block)


@compiled
def _dct(block: Floats) -> None:
    """Orthonormal DCT-II down the eight rows of a block of 24 (LANES) columns, in place."""
    for i in range(LANES):
        x0, x1, x2, x3 = block[i], block[i + 24], block[i + 48], block[i + 72]
        x4, x5, x6, x7 = block[i + 96], block[i + 120], block[i + 144], block[i + 168]
        s0, s1, s2, s3 = x0 + x7, x1 + x6, x2 + x5, x3 + x4
        d0, d1, d2, d3 = x0 - x7, x1 - x6, x2 - x5, x3 - x4
        t0, t1, t2, t3 = s0 + s3, s1 + s2, s0 - s3, s1 - s2
        block[i] = _C4 * (t0 + t1)
        block[i + 24] = _C1 * d0 + _C3 * d1 + _C5 * d2 + _C7 * d3
        block[i + 48] = _C2 * t2 + _C6 * t3
        block[i + 72] = _C3 * d0 - _C7 * d1 - _C1 * d2 - _C5 * d3
        block[i + 96] = _C4 * (t0 - t1)
        block[i + 120] = _C5 * d0 - _C1 * d1 + _C7 * d2 + _C3 * d3
        block[i + 144] = _C6 * t2 - _C2 * t3
        block[i + 168] = _C7 * d0 - _C5 * d1 + _C3 * d2 - _C1 * d3


@compiled
def _inverse_dct(block: Floats) -> None:
    for i in range(LANES):
        c0, c1, c2, c3 = block[i], block[i + 24], block[i + 48], block[i + 72]
        c4, c5, c6, c7 = block[i + 96], block[i + 120], block[i + 144], block[i + 168]
        t0, t1 = _C4 * (c0 + c4), _C4 * (c0 - c4)
        u0, u1 = _C2 * c2 + _C6 * c6, _C6 * c2 - _C2 * c6
        e0, e1, e2, e3 = t0 + u0, t1 + u1, t1 - u1, t0 - u0
        o0 = _C1 * c1 + _C3 * c3 + _C5 * c5 + _C7 * c7
        o1 = _C3 * c1 - _C7 * c3 - _C1 * c5 - _C5 * c7
        o2 = _C5 * c1 - _C1 * c3 + _C7 * c5 + _C3 * c7
        o3 = _C7 * c1 - _C5 * c3 + _C3 * c5 - _C1 * c7
        block[i], block[i + 24], block[i + 48], block[i + 72] = e0 + o0, e1 + o1, e2 + o2, e3 + o3
        block[i + 96], block[i + 120] = e3 - o3, e2 - o2
        block[i + 144], block[i + 168] = e1 - o1, e0 - o0


@compiled
def _bior(block: Floats) -> None:
    """Bior1.5 wavelet transform down the eight rows of a block of 24 columns, in place."""
    for i in range(LANES):
        x0, x1, x2, x3 = block[i], block[i + 24], block[i + 48], block[i + 72]
        x4, x5, x6, x7 = block[i + 96], block[i + 120], block[i + 144], block[i + 168]
        d0, d1, d2, d3 = x0 - x1, x2 - x3, x4 - x5, x6 - x7
        u, v = _LIFT * (d1 - d3), _LIFT * (d2 - d0)
        s0, s1, s2, s3 = x0 + x1 + u, x2 + x3 + v, x4 + x5 - u, x6 + x7 - v
        m0, m1 = s0 + s1, s2 + s3
        block[i] = _SQRT_EIGHTH * (m0 + m1)
        block[i + 24] = _SQRT_EIGHTH / _NORM_3 * (m0 - m1)
        block[i + 48] = _HALF / _NORM_2 * (s0 - s1)
        block[i + 72] = _HALF / _NORM_2 * (s2 - s3)
        block[i + 96], block[i + 120] = _SQRT_HALF * d0, _SQRT_HALF * d1
        block[i + 144], block[i + 168] = _SQRT_HALF * d2, _SQRT_HALF * d3


@compiled
def _inverse_bior(block: Floats) -> None:
    for i in range(LANES):
        mean, m = _SQRT_EIGHTH * block[i], _SQRT_EIGHTH * _NORM_3 * block[i + 24]
        e0, e1 = _HALF * _NORM_2 * block[i + 48], _HALF * _NORM_2 * block[i + 72]
        d0, d1 = _SQRT_HALF * block[i + 96], _SQRT_HALF * block[i + 120]
        d2, d3 = _SQRT_HALF * block[i + 144], _SQRT_HALF * block[i + 168]
        u, v = _LIFT * (d1 - d3), _LIFT * (d2 - d0)
        s0, s1, s2, s3 = mean + m + e0 - u, mean + m - e0 - v, mean - m + e1 + u, mean - m - e1 + v
        block[i], block[i + 24], block[i + 48], block[i + 72] = s0 + d0, s0 - d0, s1 + d1, s1 - d1
        block[i + 96], block[i + 120] = s2 + d2, s2 - d2
        block[i + 144], block[i + 168] = s3 + d3, s3 - d3
