"""The blur of the Laplacian loss, whose backward pass is as cheap as its forward pass."""

from __future__ import annotations

from math import exp
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

REACH = 2
NEAR, FAR = exp(-1.0), exp(-4.0)  # g(1) and g(2) of g(x) = exp(-x^2)
TOTAL = 2 * (2 * REACH + 1) * (1 + 2 * NEAR + 2 * FAR)  # of the 25 weights


def blur(maps: Tensor) -> Tensor:
    """Blur maps (..., H, W) with the released 5x5 kernel; borders are replicated.

    Note:
        The kernel is g(i) + g(j), not their product, of g(x) = exp(-x^2), normalised: a sum of two
        separable ones, so it takes eighteen additions of whole maps. The backward pass of PyTorch's
        convolution of a single channel takes 14 times as long on a CPU.
    """
    result: Tensor = _Blur.apply(maps)
    return result


class _Blur(torch.autograd.Function):
    """The blur is linear, and symmetric but for its borders."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:  # noqa: ANN401 - torch has no type for it
        shape = maps.shape
        planes = maps.reshape(-1, 1, *shape[-2:])
        return _inside(functional.pad(planes, (REACH,) * 4, "replicate")).view(shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        spread = _inside(functional.pad(gradients[0], (2 * REACH,) * 4))
        return _folded(_folded(spread, -1), -2)


def _inside(padded: Tensor) -> Tensor:
    """The blur where the kernel lies inside a padded map."""
    return (_bell(_box(padded, -1), -2) + _bell(_box(padded, -2), -1)).div_(TOTAL)


def _box(maps: Tensor, axis: int) -> Tensor:
    parts = _shifted(maps, axis)
    return (parts[0] + parts[1]).add_(parts[2]).add_(parts[3]).add_(parts[4])


def _bell(maps: Tensor, axis: int) -> Tensor:
    parts = _shifted(maps, axis)
    near = (parts[1] + parts[3]).mul_(NEAR)
    return near.add_(parts[2]).add_(parts[0], alpha=FAR).add_(parts[4], alpha=FAR)


def _shifted(maps: Tensor, axis: int) -> list[Tensor]:
    length = maps.shape[axis] - 2 * REACH
    return [maps.narrow(axis, shift, length) for shift in range(2 * REACH + 1)]


def _folded(spread: Tensor, axis: int) -> Tensor:
    """The gradient of padding by replication: what fell on the border goes to its nearest row."""
    length = spread.shape[axis] - 2 * REACH
    inner = spread.narrow(axis, REACH, length).clone()
    before = spread.narrow(axis, 0, REACH).sum(dim=axis, keepdim=True)
    after = spread.narrow(axis, REACH + length, REACH).sum(dim=axis, keepdim=True)
    inner.narrow(axis, 0, 1).add_(before)
    inner.narrow(axis, length - 1, 1).add_(after)
    return inner
