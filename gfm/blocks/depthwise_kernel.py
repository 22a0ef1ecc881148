"""The loop behind `gfm.blocks.depthwise`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.compiled import compiled

Float32 = NDArray[np.float32]


@compiled
def backward_of_image(
    x: Float32,
    gradient: Float32,
    filters: Float32,
    kernel: int,
    stride: int,
    dilation: int,
    before: int,
    to_x: Float32,
    to_filters: Float32,
) -> None:
    """Add the gradients of one image to `to_x` and `to_filters`.

    Args:
        x: Input (H, W, C).
        gradient: Of the output (h, w, C).
        filters: (k * k, C), rows of the kernel one after the other.
        kernel: k.
        stride: Of the convolution.
        dilation: Of the convolution.
        before: Zeros above and left of the input.
        to_x: (H, W, C).
        to_filters: (k * k, C).
    """
    height, width, channels = x.shape
    for row in range(gradient.shape[0]):
        for i in range(kernel):
            y = row * stride + i * dilation - before
            if y < 0 or y >= height:
                continue
            for j in range(kernel):
                tap = i * kernel + j
                for column in range(gradient.shape[1]):
                    z = column * stride + j * dilation - before
                    if z < 0 or z >= width:
                        continue
                    for c in range(channels):
                        g = gradient[row, column, c]
                        to_x[y, z, c] += g * filters[tap, c]
                        to_filters[tap, c] += g * x[y, z, c]
