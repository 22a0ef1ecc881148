"""Colours of foreground and background behind a matte."""

from __future__ import annotations

from typing import Any, Literal, TypeVar, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError, check_choice
from rssn.imaging.extras import named_extras

ForegroundMethod = Literal["closed_form", "multilevel", "local_smoothness"]
METHODS: tuple[ForegroundMethod, ...] = ("closed_form", "multilevel", "local_smoothness")
Image = TypeVar("Image", bound=NDArray[Any])

_MARGIN = 1  # px around the uncertain region that are solved, too


@overload
def estimate_foreground(
    image: Image, alpha: NDArray[Any], method: ForegroundMethod = ..., *, background: Literal[True]
) -> tuple[Image, Image]: ...
@overload
def estimate_foreground(
    image: Image, alpha: NDArray[Any], method: ForegroundMethod = ...
) -> Image: ...


@named_extras()
def estimate_foreground(
    image: Image,
    alpha: NDArray[Any],
    method: ForegroundMethod = "closed_form",
    *,
    background: bool = False,
) -> Image | tuple[Image, Image]:
    """Estimate F, and B on request, so that αF + (1 - α)B gives the image back.

    Args:
        image: Photograph (H, W, 3), uint8, or float in [0, 1].
        alpha: Matte (H, W), float in [0, 1].
        method: 'closed_form', Levin et al. 2007, that of the paper (section 4.1); 'multilevel',
            Germer et al. 2020, several times faster and a little less smooth; 'local_smoothness',
            Wang et al. 2022 (LSA matting, section 4.1 and algorithm 2), the smoothest at small
            alpha.
        background: Return the pair (F, B).

    Returns:
        F, or (F, B), of the image's shape and type. Where alpha is 0, F continues the colours
        inside smoothly; the same holds for B where alpha is 1.

    Raises:
        InputError: Another shape, type, range or method.

    Note:
        'closed_form' starts from the multilevel solution and solves Levin's equations only where
        alpha is fractional or changes, and one pixel around. On photographs F differs from the
        solution over the whole image by 0.01 to 0.05 of an 8-bit step (mean weighted by alpha), in
        a quarter to a tenth of the time.

        'local_smoothness' refines a given F: here the multilevel solution, with the photograph's
        own colours where alpha is 1; B likewise with 1 - alpha. The pair is not tied to the image,
        yet on photographs αF + (1 - α)B is about as near to it as with Levin's pair.

    Example:
        >>> image, alpha = np.full((8, 8, 3), 200, np.uint8), np.ones((8, 8))
        >>> bool((estimate_foreground(image, alpha) == image).all())  # opaque all over
        True
    """
    check_choice("method", method, METHODS)
    _check("image", image, alpha)
    picture, matte = _unit_range(image), np.ascontiguousarray(alpha, np.float32)
    colours = _multilevel(picture, matte)
    if method == "closed_form":
        _solve_uncertain(picture, matte, colours)
    front, back = colours[..., :3], colours[..., 3:]
    if method == "local_smoothness":
        front = _extend(_with_known(front, picture, matte), matte)
        if background:
            behind = 1 - matte
            back = _extend(_with_known(back, picture, behind), behind)
    return (_like(image, front), _like(image, back)) if background else _like(image, front)


@named_extras()
def extend_foreground(foreground: Image, alpha: NDArray[Any]) -> Image:
    """Continue the colours of a cut-out smoothly behind its matte.

    The colours of a cut-out are arbitrary where alpha is 0 and noisy where it is small. Resizing,
    denoising and lossy files mix them into the visible rim. Source: Wang et al. 2022 (LSA matting),
    section 4.1 and algorithm 2.

    Args:
        foreground: F (H, W, 3), uint8, or float in [0, 1].
        alpha: Matte (H, W), float in [0, 1].

    Returns:
        F, of the same shape and type: untouched where alpha is 1, smoother the smaller alpha is.

    Raises:
        InputError: Another shape, type or range.

    Note:
        The paper lets opaque pixels move a little; here they do not.
    """
    _check("foreground", foreground, alpha)
    matte = np.ascontiguousarray(alpha, np.float32)
    return _like(foreground, _extend(_unit_range(foreground), matte))


def _extend(colours: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    from rssn.foreground.local_smoothness import refine

    return _with_known(refine(colours, alpha).clip(0, 1), colours, alpha)


def _with_known(
    colours: NDArray[np.float32], image: NDArray[np.float32], alpha: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The colours, or the image's own where alpha is 1."""
    return np.where(alpha[..., None] == 1, image, colours)


def _multilevel(image: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    import numba

    from rssn.foreground.pymatting_parts import function

    name = "estimate_foreground_ml"
    estimate = function(f"foreground.{name}", name, alone=True)
    # Threads make its one parallel part, the resizing, slower: a hundred times on small images.
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        return np.dstack(estimate(image, alpha, return_background=True))
    finally:
        numba.set_num_threads(threads)


def _solve_uncertain(
    image: NDArray[np.float32], alpha: NDArray[np.float32], colours: NDArray[np.float32]
) -> None:
    """Replace the multilevel colours (H, W, 6) by the closed-form ones, in place."""
    from rssn.foreground.closed_form import solve

    flat = (alpha == 0) | (alpha == 1)
    local = np.ones((3, 3), np.uint8)
    uncertain = ~flat | (cv2.dilate(alpha, local) != cv2.erode(alpha, local))
    size = 2 * _MARGIN + 1
    mask = cv2.dilate(uncertain.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
    for known, channels in (
        ((alpha == 1) & ~mask, slice(0, 3)),
        ((alpha == 0) & ~mask, slice(3, 6)),
    ):
        colours[known, channels] = image[known]
    if mask.any():
        colours[mask] = solve(image, alpha, colours, mask).clip(0, 1)


def _unit_range(image: NDArray[Any]) -> NDArray[np.float32]:
    picture = np.ascontiguousarray(image, np.float32)
    if image.dtype == np.uint8:
        picture /= 255
    return picture


def _like(image: Image, colours: NDArray[np.float32]) -> Image:
    if image.dtype == np.uint8:
        return np.rint(colours * 255).astype(np.uint8)  # type: ignore[return-value]
    return np.ascontiguousarray(colours, image.dtype)  # type: ignore[return-value]


def _check(name: str, image: NDArray[Any], alpha: NDArray[Any]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.shape[0] * image.shape[1] < 2:
        raise InputError(f"{name} has shape {image.shape}; give (H, W, 3) of at least 2 pixels")
    if image.dtype != np.uint8 and image.dtype.kind != "f":
        raise InputError(f"{name} is {image.dtype}; give uint8, or float in [0, 1]")
    if alpha.shape != image.shape[:2]:
        raise InputError(f"alpha has shape {alpha.shape}, {name} {image.shape}; give one size")
    if alpha.dtype.kind != "f" or not (alpha.min() >= 0 and alpha.max() <= 1):
        raise InputError(
            f"alpha is {alpha.dtype} from {alpha.min()} to {alpha.max()}; give float in [0, 1]"
        )
    if image.dtype.kind == "f" and not (image.min() >= 0 and image.max() <= 1):
        raise InputError(
            f"{name} goes from {image.min()} to {image.max()}; give float in [0, 1], or uint8"
        )
