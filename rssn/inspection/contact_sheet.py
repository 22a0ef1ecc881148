"""A contact sheet of a build: some samples with their parts, and how each was made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rssn.imaging.drawing import PALE_INK, fitted, grey, paste, sheet, write
from rssn.imaging.images import Uint8Image
from rssn.route.compose import Composite, Record
from rssn.route.steps import MORE_STEPS

COLUMNS = ("composite", "alpha", "foreground", "background")
_TILE_HEIGHT, _TILE_WIDTH, _GAP, _CAPTION, _TEXT = 220, 290, 8, 30, 10  # px


class Shown(NamedTuple):
    """A sample on the sheet: its key, its pictures by their column, and how it was made."""

    key: str
    pictures: dict[str, Uint8Image]
    text: str


def show(key: str, sample: Composite) -> Shown:
    """A composite with all its parts."""
    parts = (sample.composite, grey(sample.alpha), sample.foreground, sample.background)
    return Shown(key, dict(zip(COLUMNS, parts, strict=True)), describe(sample.record))


def contact_sheet(samples: Sequence[Shown]) -> Uint8Image:
    """Draw samples one below the other.

    Args:
        samples: What to draw of each.

    Returns:
        The sheet, uint8 (H, W, 3).
    """
    head = sheet(_CAPTION, _left(len(COLUMNS)))
    for column, name in enumerate(COLUMNS):
        write(head, name, _CAPTION - _GAP, _left(column), _TEXT, PALE_INK)
    return np.concatenate([head, *(_row(sample) for sample in samples)])


def _row(sample: Shown) -> Uint8Image:
    tiles = {
        name: fitted(picture, _TILE_HEIGHT, _TILE_WIDTH)
        for name, picture in sample.pictures.items()
    }
    height = tiles["composite"].shape[0]
    row = sheet(height + _CAPTION + _GAP, _left(len(COLUMNS)))
    for name, tile in tiles.items():
        paste(row, tile, 0, _left(COLUMNS.index(name)))
    baseline = height + _GAP + _TEXT
    end = write(row, sample.key, baseline, _left(0), _TEXT)
    write(row, sample.text, baseline, end + _GAP, _TEXT, PALE_INK)
    return row


def describe(record: Record) -> str:
    """The steps of a sample in words."""
    if record.get("background") is None:
        return "the photograph itself, with estimated foreground and background"
    denoise, blur, noise = (record.get(name) for name in ("denoise", "blur", "noise"))
    steps = [
        f"denoised at sigma {denoise['sigma']}" if denoise else "not denoised",
        f"background blurred over {blur['size']} px" if blur else "no blur",
        f"noise of sigma {noise['sigma']}" if noise else "no noise",
        *(name for name in MORE_STEPS if record.get(name) is not None),
    ]
    return f"on {record['background']}: {', '.join(steps)}"


def _left(column: int) -> int:
    return _GAP + column * (_TILE_WIDTH + _GAP)
