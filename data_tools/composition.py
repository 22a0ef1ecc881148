"""Composites by the protocol of Deep Image Matting: each foreground over its share of a list.

Adobe's training set is 431 foregrounds over 100 backgrounds each, its test set, Composition-1k, 50
over 20 each. Foregrounds are in name order, backgrounds in that of the list of the data set, and no
background is used twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np

from data_tools.work import failures_of
from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image, check_size, image_files
from rssn.imaging.reading import read_alpha, read_rgb
from rssn.imaging.resizing import resize
from rssn.imaging.writing import write_alpha, write_rgb

PER_FOREGROUND = {"train": 100, "test": 20}
FOLDERS = ("original", "mask")


def compose_all(
    prepared: Path,
    backgrounds: Path,
    out: Path,
    per_foreground: int,
    names: Path | None = None,
    workers: int | None = None,
    quiet: bool = False,
) -> list[str]:
    """Write all composites of a split to `out/original`, with their mattes in `out/mask`.

    A composite that exists is kept.

    Args:
        prepared: Folder of the split with `fg/` and `alpha/`, from `prepare`.
        backgrounds: Folder of the backgrounds.
        out: Folder of the results: `NAME_0.png`, `NAME_1.png` and so on.
        per_foreground: Backgrounds of each foreground.
        names: Text file with one name of a background per line; without one all images of the
            folder are taken in order of their names.
        workers: Processes; None takes one per core.
        quiet: Show no progress.

    Returns:
        A line for each foreground that failed.
    """
    planned = plan(prepared, backgrounds, per_foreground, names)
    for folder in FOLDERS:
        (out / folder).mkdir(parents=True, exist_ok=True)
    tasks = [(files[0], partial(_compose, *files, out)) for files in planned]
    return failures_of(tasks, "compose", workers, quiet)


def plan(
    prepared: Path, backgrounds: Path, per_foreground: int, names: Path | None = None
) -> list[tuple[Path, Path, list[Path]]]:
    """Each foreground, its alpha and its backgrounds; an `InputError` if there are too few."""
    foregrounds = image_files(prepared / "fg")
    if names is None:
        listed = image_files(backgrounds)
    else:
        listed = [backgrounds / line for line in names.read_text("utf-8").split("\n") if line]
    wanted = len(foregrounds) * per_foreground
    if not foregrounds or len(listed) < wanted:
        raise InputError(
            f"{names or backgrounds}: has {len(listed)} backgrounds; {len(foregrounds)} foregrounds"
            f" in {prepared / 'fg'} need {per_foreground} each, {wanted} in all; give the list and "
            "the folder of the data set"
        )
    mattes = {path.stem: path for path in image_files(prepared / "alpha")}
    missing = [path.name for path in foregrounds if path.stem not in mattes]
    if missing:
        raise InputError(f"{prepared / 'alpha'}: has no matte of {missing[0]}; prepare it again")
    return [
        (path, mattes[path.stem], listed[start : start + per_foreground])
        for path, start in zip(foregrounds, range(0, wanted, per_foreground), strict=True)
    ]


def composite(foreground: Uint8Image, alpha: Alpha, background: Uint8Image) -> Uint8Image:
    """Compose as the script of the data set does: the result is cut to whole levels, not rounded.

    The background is enlarged if it is too small, and cut at the bottom and the right.
    """
    height, width = alpha.shape
    ratio = max(height / background.shape[0], width / background.shape[1])
    if ratio > 1:
        rows, columns = (ceil(side * ratio) for side in background.shape[:2])
        background = resize(background, (rows, columns), "cubic")
    opacity = alpha[..., None]
    mixed = opacity * foreground + (1 - opacity) * background[:height, :width]
    return mixed.astype(np.uint8)


def _compose(foreground: Path, matte: Path, backgrounds: Sequence[Path], out: Path) -> None:
    """Write the composites of a foreground."""
    colours, alpha = read_rgb(foreground), read_alpha(matte)
    check_size(matte, alpha.shape, colours.shape)
    for number, path in enumerate(backgrounds):
        name = f"{foreground.stem}_{number}.png"
        made, mask = (out / folder / name for folder in FOLDERS)
        if not (made.exists() and mask.exists()):
            write_rgb(made, composite(colours, alpha, read_rgb(path)))
            write_alpha(mask, alpha)
