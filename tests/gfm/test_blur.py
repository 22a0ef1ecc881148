"""The blur of the Laplacian loss is the released convolution, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from gfm.losses.blur import blur


def convolved(maps: torch.Tensor) -> torch.Tensor:
    """The released 5x5 kernel, g(i) + g(j) of g(x) = exp(-x^2), on replicated borders."""
    line = torch.exp(-torch.arange(-2, 3, dtype=maps.dtype).square())
    kernel = line[:, None] + line
    padded = functional.pad(maps, (2, 2, 2, 2), "replicate")
    return functional.conv2d(padded, (kernel / kernel.sum())[None, None])


@pytest.mark.parametrize("shape", [(2, 1, 9, 7), (3, 1, 1, 1), (1, 1, 2, 5), (1, 1, 32, 33)])
def test_blur_and_its_gradient_are_those_of_the_convolution(shape: tuple[int, ...]):
    maps = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    made, wanted = blur(maps), convolved(maps)
    torch.testing.assert_close(made, wanted)
    gradient = torch.randn_like(made)
    found = torch.autograd.grad(made, maps, gradient)
    torch.testing.assert_close(found, torch.autograd.grad(wanted, maps, gradient))


def test_flat_map_stays_as_it_is():
    torch.testing.assert_close(blur(torch.full((1, 1, 6, 6), 0.3)), torch.full((1, 1, 6, 6), 0.3))
