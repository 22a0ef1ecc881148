"""Segmentation of a photograph after each click, as the released code runs it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.guidance.clicks import CLICK_SIGMAS, Clicks, keep_clicked
from gfm.guidance.maps import gaussian_maps
from gfm.models.clicks.network import ClickNetwork
from rssn.imaging.resizing import resize

MULTIPLE = 32  # the released code's; 8 would do for its network
LONGEST = 1920  # px, the longest side that the thesis works at; larger photographs are shrunk
PASSES = 20  # of a session that is made up for


def segment_session(
    network: ClickNetwork, image: NDArray[np.uint8], clicks: Clicks
) -> NDArray[np.float32]:
    """Segment a photograph from nothing, click by click, as a session would.

    Args:
        network: The network, in eval mode.
        image: Photograph, RGB (H, W, 3).
        clicks: All clicks. More than 20 are taken in 20 steps, several at a time.

    Returns:
        Matte (H, W) after the last click.
    """
    count = len(clicks)
    steps = np.unique(np.linspace(0, count, min(count, PASSES) + 1).round().astype(int))
    alpha = np.zeros(clicks.size, np.float32)
    for _, end in pairwise(steps.tolist()):
        alpha = segment(network, image, clicks.first(end), alpha)
    return alpha


def segment(
    network: ClickNetwork,
    image: NDArray[np.uint8],
    clicks: Clicks,
    previous: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Segment a photograph once.

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
        interpolation. Photographs of more than 1920 px are shrunk first (thesis, section 5.4.1).
    """
    size = clicks.size
    fed = np.zeros(size, np.float32) if previous is None else keep_clicked(previous, clicks)
    scale = min(LONGEST / max(size), 1.0)
    seen = (round(size[0] * scale), round(size[1] * scale))
    small = clicks.resized(seen[1], seen[0])
    alpha = resize(_run(network, resize(image, seen), small, resize(fed, seen)), size)
    for x, y, positive in clicks:
        alpha[y, x] = positive
    return keep_clicked(alpha, clicks)


@torch.inference_mode()
def _run(
    network: ClickNetwork, image: NDArray[np.uint8], clicks: Clicks, fed: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The network's matte at the size of an image."""
    height, width = clicks.size
    size = (-(-height // MULTIPLE) * MULTIPLE, -(-width // MULTIPLE) * MULTIPLE)
    masks = enlarge_masks(clicks.masks, size)
    arrays = (
        resize(image.astype(np.float32) / 255, size, "lanczos").transpose(2, 0, 1),
        masks,
        gaussian_maps(masks, CLICK_SIGMAS),
        resize(fed, size, "lanczos")[None],
    )
    made = network(*(_batch(array, network.mean) for array in arrays))
    return resize(made[0, 0].float().cpu().numpy(), (height, width), shrink="linear")


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
