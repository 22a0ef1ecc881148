"""From one photograph to its matte: the test strategies of the paper (section 5.5, table 6)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.config import check_choice
from gfm.cutout import Matte
from gfm.fusion import fuse
from gfm.network import GFM, RimMatting
from rssn.errors import InputError
from rssn.images import read_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

Strategy = Literal["hybrid", "resize", "full"]
ForegroundMethod = Literal["multilevel", "closed_form", "none"]

MAX_SIDE = 1600  # of a pass, in pixels, as published
MULTIPLE = 32


def matte(
    image: NDArray[np.uint8] | str | Path | Image,
    model: GFM | None = None,
    *,
    strategy: Strategy = "hybrid",
    d1: float = 3,
    d2: float = 2,
    foreground: ForegroundMethod = "multilevel",
) -> Matte:
    """Cut the object out of a photograph.

    Args:
        image: uint8 RGB (H, W, 3), a path, or a PIL image.
        model: A network of `gfm.load_model`.
        strategy: `hybrid` takes the glance from the image at 1/d1 and the focus at 1/d2 and fuses
            them at full size; `resize` is one pass at 1/d2; `full` one at full size. An integrating
            (RIM) network always makes one pass, at 1/d1 unless the strategy is `full`.
        d1: Reduction for the glance, 1 or more.
        d2: Reduction for the focus, 1 or more.
        foreground: How colours behind the soft edges are estimated; `none` keeps the image's, which
            shows the old background around hair.

    Returns:
        The matte at the size of the image.

    Raises:
        InputError: No model or one in training mode, an unreadable image, or an option that is
            not supported.

    Note:
        Sides of a pass are floored to multiples of 32 and are at most 1600 pixels, as published.
        The published script runs both decoders in both passes; here only the needed one runs.
    """
    check_options(strategy, d1, d2, foreground)
    if model is None:
        raise InputError(
            "model=None: no weights are shipped yet; load some with gfm.load_model(PATH), made by "
            "`python -m gfm fit` or by `python -m gfm convert` from a released checkpoint"
        )
    if model.training:
        raise InputError("the model is in training mode; call model.eval() first")
    rgb = as_rgb(image)
    with torch.inference_mode():
        alpha, trimap = _predict(model, rgb, strategy, d1, d2)
    colours = rgb
    some_of_both = 0 < float(alpha.max()) and float(alpha.min()) < 1 and alpha.size > 1
    if foreground != "none" and some_of_both:
        from rssn.foreground import estimate_foreground

        colours = estimate_foreground(rgb, alpha, method=foreground)
    return Matte(alpha, colours, trimap)


def check_options(strategy: Strategy, d1: float, d2: float, foreground: ForegroundMethod) -> None:
    """Check the options of `matte`.

    Raises:
        InputError: One of them is not supported.
    """
    check_choice("strategy", strategy, get_args(Strategy))
    check_choice("foreground", foreground, get_args(ForegroundMethod))
    for name, value in (("d1", d1), ("d2", d2)):
        if not 1 <= value < float("inf"):
            raise InputError(f"{name}={value}: a reduction is 1 or more; the paper has d1=3, d2=2")


def as_rgb(image: NDArray[np.uint8] | str | Path | Image) -> NDArray[np.uint8]:
    """The image as uint8 RGB (H, W, 3).

    Raises:
        InputError: Another type or shape, or a file that cannot be read.
    """
    if isinstance(image, str | Path):
        return read_rgb(Path(image))
    if not isinstance(image, np.ndarray):
        from PIL import ImageOps
        from PIL.Image import Image as PillowImage

        if not isinstance(image, PillowImage):
            raise InputError(
                f"image is a {type(image).__name__}; give a uint8 RGB array, a path or a PIL image"
            )
        image = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise InputError(
            f"image has shape {image.shape} and type {image.dtype}; wanted uint8 RGB (H, W, 3)"
        )
    return image


def pass_size(height: int, width: int, reduction: float) -> tuple[int, int]:
    """Height and width of a pass at 1/reduction: floored to multiples of 32, 32 to 1600 pixels."""

    def side(length: int) -> int:
        return min(MAX_SIDE, max(MULTIPLE, int(length / reduction) // MULTIPLE * MULTIPLE))

    return side(height), side(width)


def _predict(
    model: GFM, rgb: NDArray[np.uint8], strategy: Strategy, d1: float, d2: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Alpha (H, W) and the glance as a trimap 0/1/2 (H, W)."""
    size = (rgb.shape[0], rgb.shape[1])
    if strategy == "hybrid" and model.rim is None:
        rosta = model.config.rostas[0]
        glance = enlarge(model.glance_probabilities(shrink(model, rgb, d1)), size)
        focus = enlarge(model.focus_alpha(shrink(model, rgb, d2)), size)
        alpha = fuse(glance, focus, rosta)
    else:
        reduction = {"hybrid": d1, "resize": d1 if model.rim else d2, "full": 1}[strategy]
        output = model(shrink(model, rgb, reduction))
        glance = enlarge((output.tt if isinstance(output, RimMatting) else output).glance, size)
        alpha = enlarge(output.alpha, size)
    classes = glance[0].argmax(dim=0).to(torch.uint8)
    trimap = classes if glance.shape[1] == 3 else classes * 2
    return alpha[0, 0].float().clamp(0, 1).cpu().numpy(), trimap.cpu().numpy()


def shrink(model: GFM, rgb: NDArray[np.uint8], reduction: float) -> Tensor:
    """The image as the network's input (1, 3, h, w) in [0, 1] at 1/reduction of its size."""
    height, width = pass_size(rgb.shape[0], rgb.shape[1], reduction)
    shrinking = height <= rgb.shape[0] and width <= rgb.shape[1]
    small = cv2.resize(
        rgb, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    )
    batch = torch.from_numpy(small).to(model.mean.device).permute(2, 0, 1).unsqueeze(0)
    return batch.to(model.mean.dtype) / 255


def enlarge(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize float maps (1, C, h, w) to (1, C, H, W), bilinear with half-pixel centres."""
    return torch.nn.functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
