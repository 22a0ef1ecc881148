"""Backward passes on the CPU, ours beside PyTorch's: depthwise convolutions and the pyramid's blur.

The limit of a depthwise convolution's backward pass is its arithmetic: two multiply-adds for each
tap of each output, of which a core does 16 to 32 per cycle where vectors are 512 bits wide. Prints
milliseconds, the best of some rounds, for the layers of EfficientNet-Lite0 and for the whole step.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from gfm import GFM, GFMConfig
from gfm.blocks.depthwise import DepthwiseConv2d, pad_same
from gfm.losses.blur import blur
from rssn.imaging.console import run_command

LAYERS = (  # channels, kernel, stride, and the input's share of the crop's side
    (32, 3, 1, 2),
    (96, 3, 2, 2),
    (144, 3, 1, 4),
    (144, 5, 2, 4),
    (240, 5, 1, 8),
    (240, 3, 2, 8),
    (672, 5, 1, 16),
    (672, 5, 2, 16),
    (1152, 5, 1, 32),
)


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="bench_depthwise", description=__doc__)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=192, help="side of the crops in px")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--float32", action="store_true", help="instead of bfloat16")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Print the table."""
    torch.set_num_threads(options.threads)
    kind = torch.float32 if options.float32 else torch.bfloat16
    print(f"{options.batch} crops of {options.size} px, {kind}, {options.threads} thread(s)")
    print(f"{'layer':28} {'limit':>8} {'ours':>8} {'PyTorch':>8}  ms")
    for channels, kernel, stride, share in LAYERS:
        side = options.size // share
        x = torch.randn(options.batch, channels, side, side).to(kind)
        x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
        conv = DepthwiseConv2d(channels, kernel, stride)
        limit = 2 * kernel**2 * channels * options.batch * (side // stride) ** 2 / (32 * 3e9) * 1e3
        ours = backward(partial(conv, x), [x, conv.weight], options)
        theirs = backward(partial(plain, conv, x), [x, conv.weight], options)
        name = f"{channels} x {side} px, {kernel}x{kernel} / {stride}"
        print(f"{name:28} {limit:8.2f} {ours:8.2f} {theirs:8.2f}")
    maps = torch.randn(options.batch, 1, options.size, options.size, requires_grad=True)
    ours = backward(lambda: blur(maps), [maps], options)
    theirs = backward(lambda: convolved(maps), [maps], options)
    print(f"{'blur of the pyramid':28} {'':8} {ours:8.2f} {theirs:8.2f}")
    print(f"{'step of GFM-TT on Lite0':28} {'':8} {step(options, False):8.0f}", end=" ")
    print(f"{step(options, True):8.0f}")


def plain(conv: DepthwiseConv2d, x: Tensor) -> Tensor:
    """PyTorch's convolution of the same values."""
    padded = pad_same(x, conv.before) if conv.stride[0] == 2 else x
    return functional.conv2d(
        padded, conv.weight, None, conv.stride, conv.padding, conv.dilation, conv.groups
    )


def convolved(maps: Tensor) -> Tensor:
    """The blur as one convolution of a single channel."""
    line = torch.exp(-torch.arange(-2.0, 3).square())
    kernel = line[:, None] + line
    padded = functional.pad(maps, (2, 2, 2, 2), "replicate")
    return functional.conv2d(padded, (kernel / kernel.sum())[None, None])


def backward(
    forward: Callable[[], Tensor], inputs: list[Tensor], options: argparse.Namespace
) -> float:
    """Milliseconds of the backward pass alone."""
    with torch.autocast("cpu", torch.bfloat16, enabled=not options.float32):
        made = forward()
    gradient = torch.randn_like(made)
    torch.autograd.grad(made, inputs, gradient, retain_graph=True)
    times = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        torch.autograd.grad(made, inputs, gradient, retain_graph=True)
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def step(options: argparse.Namespace, is_plain: bool) -> float:
    """Milliseconds of forward and backward pass of the packaged model's network."""
    model = GFM(GFMConfig("timm:tf_efficientnet_lite0", separable=True)).train()
    model = model.to(memory_format=torch.channels_last)
    if is_plain:
        for module in model.modules():
            if isinstance(module, DepthwiseConv2d):
                module.forward = partial(plain, module)  # type: ignore[method-assign]
    image = torch.rand(options.batch, 3, options.size, options.size)
    image = image.contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(options.rounds + 1):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=not options.float32):
            made = model(image)
        (made.alpha.float().mean() + made.glance_logits.float().mean()).backward()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


if __name__ == "__main__":
    sys.exit(main())
