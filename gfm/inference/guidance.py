"""Guidance as users give it: a trimap, a mask or clicks, checked against the photograph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.guidance.trimap_files import check_trimap, read_trimap
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha, read_bytes

if TYPE_CHECKING:
    from gfm.models.contract import System

MaskLike = NDArray[np.generic] | str | Path
ClicksLike = Clicks | Sequence[tuple[int, int, bool]]

NO_GUIDANCE = Guidance()


def read_guidance(
    pixels: NDArray[np.uint8],
    trimap: MaskLike | None = None,
    mask: MaskLike | None = None,
    clicks: ClicksLike | None = None,
) -> Guidance:
    """Guidance for a photograph.

    Args:
        pixels: The photograph (H, W, 3).
        trimap: As for `gfm.matte`.
        mask: As for `gfm.matte`.
        clicks: As for `gfm.matte`.

    Raises:
        InputError: It cannot be read, or does not fit the photograph.
    """
    size = (pixels.shape[0], pixels.shape[1])
    if trimap is None and mask is None and clicks is None:
        return NO_GUIDANCE
    return Guidance(
        None if trimap is None else as_trimap(trimap, size),
        None if mask is None else as_mask(mask, size, may_be_empty=clicks is not None),
        None if clicks is None else as_clicks(clicks, size),
    )


def check_guidance(system: System, guidance: Guidance) -> None:
    """Refuse guidance that a system does not take, or the lack of what it needs.

    Raises:
        InputError: With the kinds that it takes.
    """
    takes = sorted(system.guidance)
    for kind in guidance.given:
        if kind not in system.guidance:
            advice = f"it takes {' or '.join(takes)}" if takes else "it takes a photograph alone"
            raise InputError(
                f"{kind}= is given, and a model of the system {system.name} takes none; {advice}: "
                f"leave the {kind} out, or name another model"
            )
    if system.needs_guidance and not guidance.given:
        raise InputError(
            f"a model of the system {system.name} needs {' or '.join(takes)}; give it beside the "
            "photograph"
        )


def read_clicks(path: Path) -> Clicks:
    """Clicks from a JSON file of `Clicks.to_json`.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        return Clicks.from_json(read_bytes(path))
    except InputError as error:
        text = str(error)
        raise InputError(text if text.startswith(str(path)) else f"{path}: {text}") from None


def as_clicks(clicks: ClicksLike, size: tuple[int, int]) -> Clicks:
    """Clicks on a photograph of a size (height, width).

    Raises:
        InputError: They are none, lie outside, or contradict one another.
    """
    if not isinstance(clicks, Clicks):
        return Clicks(size[1], size[0]).add(*clicks)
    if (clicks.height, clicks.width) != size:
        raise InputError(
            f"clicks are for a photograph of {clicks.width}x{clicks.height}, and it has "
            f"{size[1]}x{size[0]}; make them on this photograph"
        )
    return clicks


def as_trimap(trimap: MaskLike, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A trimap with the levels 0, 128 and 255.

    Args:
        trimap: A path, or an array (H, W) with these levels, or with the classes 0, 1 and 2 of
            `Matte.trimap`.
        size: Height and width of the photograph.

    Raises:
        InputError: It cannot be read, or `check_trimap` refuses it.
    """
    if isinstance(trimap, str | Path):
        return read_trimap(Path(trimap), size)
    levels = np.asarray(trimap)
    if levels.size and levels.dtype.kind in "iu" and levels.min() >= 0 and levels.max() in (1, 2):
        levels = np.array([0, 128, 255], np.uint8)[levels]
    return check_trimap(levels, size)


def as_mask(
    mask: MaskLike, size: tuple[int, int], name: str = "mask", *, may_be_empty: bool = False
) -> NDArray[np.float32]:
    """A coarse matte in [0, 1].

    Args:
        mask: A path to a grey picture, or an array (H, W): bool, unsigned integers over their whole
            range, or float in [0, 1].
        size: Height and width of the photograph.
        name: Stands in the error of an array.
        may_be_empty: Take a mask that is empty or full: clicks tell object from background.

    Raises:
        InputError: It cannot be read, has another size or several channels, is out of range, empty
            or full.
    """
    levels, name = _read_levels(mask, name)
    if levels.shape != size:
        raise InputError(
            f"{name}: has {levels.shape[1]}x{levels.shape[0]} px, the photograph "
            f"{size[1]}x{size[0]}; make it for this photograph"
        )
    values = levels.astype(np.float32)
    if levels.dtype.kind == "u":
        values /= float(np.iinfo(levels.dtype.name).max)
    elif levels.dtype.kind == "i" or not (values.min() >= 0 and values.max() <= 1):
        raise InputError(
            f"{name}: has type {levels.dtype} and values from {values.min():g} to "
            f"{values.max():g}; give bool, unsigned integers, or float in [0, 1]"
        )
    for test, what in ((values.max() < 0.5, "empty"), (values.min() > 0.5, "full")):
        if test and not may_be_empty:
            raise InputError(
                f"{name}: is {what}, so that it does not tell object from background; mark the "
                "object with white, the rest with black"
            )
    return values


def _read_levels(given: MaskLike, name: str) -> tuple[NDArray[np.generic], str]:
    """Grey levels (H, W) of a file or an array, and its name; of a cut-out those of its alpha."""
    if isinstance(given, str | Path):
        name = str(given)
        levels: NDArray[np.generic] = read_alpha(Path(given))
    else:
        levels = np.asarray(given)
    if levels.ndim != 2:
        raise InputError(
            f"{name}: has shape {levels.shape}; give one channel (H, W), without colour and alpha"
        )
    return levels, name
