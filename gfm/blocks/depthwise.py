"""Depthwise convolutions whose training is fast on a CPU.

PyTorch's backward pass of depthwise convolutions takes about half of the training step of a mobile
encoder on a CPU. Here it is one compiled loop over the channels, which lie next to each other in
memory (channels_last): `scripts/bench_depthwise.py` compares both.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

FLOATS = (torch.float32, torch.bfloat16)
Float32 = NDArray[np.float32]


class DepthwiseConv2d(nn.Conv2d):
    """One k x k filter per channel, padded as TensorFlow's SAME for inputs of even size.

    Args:
        channels: Channels before and after.
        kernel: Side of the filters, odd.
        stride: 1 or 2. At stride 2 the padding is one less on the top and left than on the bottom
            and right.
        dilation: Distance between the taps; with stride 1.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, dilation: int = 1) -> None:
        reach = dilation * (kernel // 2)
        super().__init__(
            channels,
            channels,
            kernel,
            stride,
            padding=reach if stride == 1 else 0,
            dilation=dilation,
            groups=channels,
            bias=False,
        )
        before = reach if stride == 1 else reach - 1
        self.before = before  # rows and columns of padding on the top and left

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, C, H, W); at stride 2 H and W are even."""
        stride = self.stride[0]
        if _trains_on_cpu(x, self.weight):
            result: Tensor = _Depthwise.apply(x, self.weight, stride, self.dilation[0], self.before)
            return result
        if stride != 1:
            return functional.conv2d(
                pad_same(x, self.before), self.weight, None, stride, groups=x.shape[1]
            )
        return super().forward(x)


class SameConv2d(nn.Conv2d):
    """A 3x3 convolution of stride 2, padded as TensorFlow's SAME for inputs of even size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, inputs, H, W) to (B, outputs, H / 2, W / 2)."""
        return super().forward(pad_same(x, 0))


def pad_same(x: Tensor, before: int) -> Tensor:
    """Pad (B, C, H, W) with zeros: `before` on the top and left, one more on the other sides."""
    return functional.pad(x, (before, before + 1, before, before + 1))


def _trains_on_cpu(x: Tensor, weight: Tensor) -> bool:
    if torch.compiler.is_compiling() or not torch.is_grad_enabled() or not weight.requires_grad:
        return False
    return x.device.type == "cpu" and x.dtype in FLOATS and weight.dtype == torch.float32


class _Depthwise(torch.autograd.Function):
    """PyTorch's forward pass and the backward pass of this file."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch has no type for it
        x: Tensor,
        weight: Tensor,
        stride: int,
        dilation: int,
        before: int,
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.options = (stride, dilation, before)
        groups = x.shape[1]
        if stride != 1:
            return functional.conv2d(pad_same(x, before), weight, None, stride, groups=groups)
        return functional.conv2d(x, weight, None, 1, before, dilation, groups)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x, weight = ctx.saved_tensors
        to_input, to_weight = depthwise_backward(x, weight, gradients[0], *ctx.options)
        return to_input, to_weight, None, None, None


def depthwise_backward(
    x: Tensor, weight: Tensor, gradient: Tensor, stride: int, dilation: int, before: int
) -> tuple[Tensor, Tensor]:
    """The gradients of a depthwise convolution with respect to input and weight.

    Args:
        x: Input (B, C, H, W), float32 or bfloat16, on the CPU.
        weight: Filters (C, 1, k, k), float32.
        gradient: Of the loss with respect to the output (B, C, h, w).
        stride: Of the convolution.
        dilation: Of the convolution.
        before: Rows and columns of zeros above and left of the input.

    Returns:
        Gradients in the shapes and types of `x` and `weight`. The sums are in float32, in an order
        that does not depend on the number of threads.
    """
    channels, kernel = weight.shape[0], weight.shape[-1]
    filters = np.ascontiguousarray(
        weight.detach().reshape(channels, kernel * kernel).numpy().transpose()
    )
    to_input = torch.empty_like(x, memory_format=torch.channels_last)
    parts = np.zeros((len(x), kernel * kernel, channels), np.float32)

    def run(index: int) -> None:
        # Image by image: what float32 copies there are stay in the cache.
        inputs, outputs = _rows(x[index]), _rows(gradient[index])
        sums = np.zeros_like(inputs)
        options = (filters, kernel, stride, dilation, before)
        _kernel()(inputs, outputs, *options, sums, parts[index])
        to_input[index] = torch.from_numpy(sums).permute(2, 0, 1)

    threads = min(torch.get_num_threads(), len(x))
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, range(len(x))))
    else:
        for index in range(len(x)):
            run(index)
    summed = parts.sum(axis=0).transpose().reshape(weight.shape)
    return to_input, torch.from_numpy(np.ascontiguousarray(summed))


def _rows(x: Tensor) -> Float32:
    """The values of (C, H, W) as float32 (H, W, C), contiguous."""
    rows: Float32 = x.detach().permute(1, 2, 0).to(torch.float32).contiguous().numpy()
    return rows


_compiled_kernel: Any = None


def _kernel() -> Any:  # noqa: ANN401 - a compiled function
    """The loop of one image, compiled at the first call: importing numba takes a while."""
    global _compiled_kernel
    if _compiled_kernel is None:
        from gfm.blocks.depthwise_kernel import backward_of_image

        _compiled_kernel = backward_of_image
    return _compiled_kernel
