"""The compiled backward pass of depthwise convolutions is PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from gfm.blocks.depthwise import DepthwiseConv2d, SameConv2d, depthwise_backward, pad_same


def reference(conv: DepthwiseConv2d, x: torch.Tensor) -> torch.Tensor:
    """PyTorch's own convolution with the same padding."""
    padded = pad_same(x, conv.before) if conv.stride[0] == 2 else x
    return functional.conv2d(
        padded, conv.weight, None, conv.stride, conv.padding, conv.dilation, conv.groups
    )


@pytest.mark.parametrize("memory", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize(
    ("channels", "side", "kernel", "stride", "dilation"),
    [(8, 12, 3, 1, 1), (5, 12, 5, 1, 1), (8, 12, 3, 2, 1), (6, 16, 5, 2, 1), (4, 9, 3, 1, 2)],
)
def test_gradients_are_those_of_pytorch(channels, side, kernel, stride, dilation, memory):
    torch.manual_seed(0)
    conv = DepthwiseConv2d(channels, kernel, stride, dilation)
    x = torch.randn(2, channels, side, side).contiguous(memory_format=memory).requires_grad_()
    made, wanted = conv(x), reference(conv, x)
    torch.testing.assert_close(made, wanted)
    gradient = torch.randn_like(made)
    found = torch.autograd.grad(made, [x, conv.weight], gradient)
    known = torch.autograd.grad(wanted, [x, conv.weight], gradient)
    torch.testing.assert_close(found, known, rtol=1e-5, atol=1e-5)
    assert found[0].shape == x.shape


def test_gradients_of_bfloat16_sum_in_float32():
    torch.manual_seed(0)
    conv = DepthwiseConv2d(4, 3)
    x = torch.randn(2, 4, 32, 32).to(torch.bfloat16).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        made = conv(x)
    assert made.dtype == torch.bfloat16
    gradient = torch.randn_like(made)
    to_x, to_weight = torch.autograd.grad(made, [x, conv.weight], gradient)
    exact = x.detach().double().requires_grad_(), conv.weight.detach().double().requires_grad_()
    wanted = functional.conv2d(exact[0], exact[1], padding=1, groups=4)
    known = torch.autograd.grad(wanted, exact, gradient.double())
    assert (to_x.dtype, to_weight.dtype) == (torch.bfloat16, torch.float32)
    torch.testing.assert_close(to_weight.double(), known[1], rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(to_x.double(), known[0], rtol=1e-2, atol=1e-2)


def test_gradients_do_not_depend_on_the_number_of_threads():
    torch.manual_seed(0)
    x, weight = torch.randn(5, 6, 10, 10), torch.randn(6, 1, 3, 3)
    gradient, threads = torch.randn(5, 6, 10, 10), torch.get_num_threads()
    made = []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            made.append(depthwise_backward(x, weight, gradient, 1, 1, 1))
    finally:
        torch.set_num_threads(threads)
    assert all(map(torch.equal, *made))


def test_same_padding_puts_the_odd_row_below():
    conv = SameConv2d(1, 1)
    conv.weight.data = torch.arange(9.0).view(1, 1, 3, 3)
    made = conv(torch.ones(1, 1, 4, 4))
    assert made.tolist() == [[[[36, 0 + 1 + 3 + 4 + 6 + 7], [0 + 1 + 2 + 3 + 4 + 5, 8.0]]]]
