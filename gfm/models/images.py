"""Checks of what a network is given, and cropping of what it was padded to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rssn.imaging.errors import InputError


def crop(maps: Tensor, image: Tensor) -> Tensor:
    """Cut the padding of `encode` off maps (B, C, H', W') of an image (B, 3, H, W) again.

    Note:
        A slice keeps the strides of the padded map, and `torch.export` then fixes whether the input
        is padded; taking rows and columns by index leaves an exported network free of that.
    """
    height, width = image.shape[-2:]
    if not torch.compiler.is_compiling():
        return maps[..., :height, :width]
    rows = torch.arange(height, device=maps.device)
    columns = torch.arange(width, device=maps.device)
    return maps.index_select(2, rows).index_select(3, columns)


def check_image(image: Tensor, like: Tensor, values: bool = True) -> None:
    """Raise unless `image` is what a network takes.

    Args:
        image: Wanted: (B, 3, H, W), floating point, in [0, 1], on the network's device.
        like: A tensor on the network's device.
        values: Check the values too, which waits for the device.

    Raises:
        InputError: With what was got, what is allowed and how to get there.
    """
    shape = tuple(image.shape)
    if image.ndim != 4 or shape[1] != 3 or 0 in shape:
        raise InputError(
            f"image has shape {shape}; wanted RGB (B, 3, H, W) with B, H and W at least 1; a "
            "single (H, W, 3) picture goes through gfm.matte"
        )
    if not image.is_floating_point():
        raise InputError(
            f"image has type {image.dtype}; give floats in [0, 1]: image.float() / 255"
        )
    if image.device != like.device:
        raise InputError(
            f"image is on {image.device}, the model on {like.device}; move one with .to(device)"
        )
    if not values or image.is_meta:  # which has shapes alone
        return
    low, high = (float(bound) for bound in torch.aminmax(image))
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # also false for NaN
        raise InputError(
            f"image has values from {low:.4g} to {high:.4g}; wanted [0, 1]: divide uint8 by 255"
        )


def as_levels(colours: NDArray[np.float32] | None) -> NDArray[np.uint8] | None:
    """Colours (H, W, 3) in [0, 1] as uint8 levels; None stays None."""
    return None if colours is None else np.rint(colours * 255).clip(0, 255).astype(np.uint8)
