"""Contact sheet of a build: some samples with their parts, and the steps of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rssn.imaging.drawing import CAPTION, GAP, TEXT, sheet, tiles, write
from rssn.imaging.images import Uint8Image
from rssn.route.compose import Record
from rssn.route.steps import MORE_STEPS

COLUMNS = 4  # composite, alpha, foreground and background
_TILE_HEIGHT, _TILE_WIDTH = 220, 290  # px


class Shown(NamedTuple):
    """A sample on the sheet: its pictures by their captions, and a line of text."""

    pictures: dict[str, Uint8Image]
    text: str


def contact_sheet(samples: Sequence[Shown]) -> Uint8Image:
    """Draw samples one below the other, uint8 (H, W, 3)."""
    rows = []
    for sample in samples:
        pictures = [(picture, column) for column, picture in sample.pictures.items()]
        rows.append(tiles(pictures, COLUMNS, _TILE_HEIGHT, _TILE_WIDTH))
        rows.append(sheet(CAPTION, rows[-1].shape[1]))
        write(rows[-1], sample.text, GAP + TEXT, GAP)
    return np.concatenate(rows or [sheet(CAPTION, _TILE_WIDTH)])


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
