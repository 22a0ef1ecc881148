"""Segmentation of a photograph after each click, as the released code runs it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.guidance.clicks import CLICK_SIGMAS, Clicks, keep_clicked
from gfm.guidance.maps import gaussian_maps
from gfm.models.clicks.network import ClickNetwork
from rssn.imaging.resizing import resize

MULTIPLE = 32  # the released code's; 8 would do for its network


@torch.inference_mode()
def segment(
    network: ClickNetwork,
    image: NDArray[np.uint8],
    clicks: Clicks,
    previous: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Segment a photograph.

    Args:
        network: The network, in eval mode.
        image: Photograph, RGB (H, W, 3).
        clicks: All clicks so far.
        previous: The matte (H, W) before the last click; None is 0 everywhere.

    Returns:
        Matte (H, W) in [0, 1], 0 or 1 at the clicks, without what no click on the object belongs
        to.

    Note:
        The released code enlarges both sides to multiples of 32, the photograph and the matte by
        Lanczos interpolation without a clamp, and makes the result smaller again by bilinear
        interpolation.
    """
    height, width = clicks.size
    fed = np.zeros(clicks.size, np.float32) if previous is None else keep_clicked(previous, clicks)
    size = (-(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE)
    masks = enlarge_masks(clicks.masks, size)
    scaled = resize(image.astype(np.float32) / 255, size, "lanczos")
    arrays = (
        scaled.transpose(2, 0, 1),
        masks,
        gaussian_maps(masks, CLICK_SIGMAS),
        resize(fed, size, "lanczos")[None],
    )
    made = network(*(_batch(array, network.mean) for array in arrays))
    alpha = resize(made[0, 0].float().cpu().numpy(), (height, width), shrink="linear")
    for x, y, positive in clicks:
        alpha[y, x] = positive
    return keep_clicked(alpha, clicks)


def enlarge_masks(masks: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Clicked pixels (2, H, W) in a picture of another height and width, nearest neighbours.

    A click may become two pixels where the picture is larger.
    """
    planes = masks.astype(np.uint8)
    resized = [resize(plane, size, "nearest", "nearest") for plane in planes]
    return np.stack(resized) > 0


def _batch(array: NDArray[np.generic], like: Tensor) -> Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(array))[None]
    return tensor.to(like.device, like.dtype)
