"""The contact sheet of `gfm matte --review`: all mattes, the most doubtful first."""

from __future__ import annotations

import html
import json
from pathlib import Path

import cv2
import numpy as np

from gfm.evaluation.html import document, picture
from gfm.inference.doubt import Doubt
from gfm.inference.files import Source
from gfm.models.contract import Prediction
from rssn.imaging.drawing import fitted, grey
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.photographs import Photograph
from rssn.imaging.resizing import resize

SHOWN_SIDE = 320  # px of the longer side of a picture
JSON, PAGE = "review.json", "review.html"
RED = np.array([230, 40, 40], np.float32)
STRONGEST = 0.3  # expected error of a pixel that is tinted most
TINT = 0.75  # part of red in it
INK, PAPER = (20, 20, 20), (255, 255, 255)

STYLE = """
body { max-width: 1500px }
.mattes { display: grid; grid-template-columns: repeat(auto-fill, minmax(400px, 1fr)); gap: 1rem;
  align-items: start }
.matte { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; align-items: start }
.matte p { grid-column: 1 / -1; margin: .1rem 0; font-size: .9rem }
"""


class ReviewSheet:
    """Gathers mattes and writes them, the most doubtful first.

    Args:
        threshold: Expected error above which a matte should be looked at.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._found: list[tuple[str, Doubt, str]] = []

    def add(self, source: Source, photograph: Photograph, made: Prediction, doubt: Doubt) -> None:
        """Add the matte of a photograph."""
        figures = _figures(source.name, photograph.pixels, made.alpha, doubt)
        self._found.append((source.name, doubt, figures))

    @staticmethod
    def page(folder: Path) -> Path:
        """Path of the sheet."""
        return folder / PAGE

    @property
    def doubtful(self) -> int:
        """Number of mattes above the threshold."""
        return sum(doubt.expected_error > self.threshold for _, doubt, _ in self._found)

    def __len__(self) -> int:
        return len(self._found)

    def write(self, folder: Path) -> None:
        """Write `review.html` and `review.json`.

        Raises:
            InputError: They cannot be written there.
        """
        self._found.sort(key=lambda each: (-each[1].expected_error, each[0]))
        content = {
            "threshold": self.threshold,
            "mattes": [
                {
                    "name": name,
                    "expected_error": doubt.expected_error,
                    "entropy": doubt.entropy,
                    "views": doubt.views,
                    "click": None if doubt.click is None else doubt.click._asdict(),
                }
                for name, doubt, _ in self._found
            ],
        }
        for name, text in (
            (JSON, json.dumps(content, indent=1) + "\n"),
            (PAGE, self._page()),
        ):
            path = folder / name
            with write_errors(path), whole_file(path) as part:
                part.write_text(text, encoding="utf-8")

    def _page(self) -> str:
        groups: dict[bool, list[str]] = {True: [], False: []}
        for _, doubt, figures in self._found:
            groups[doubt.expected_error > self.threshold].append(figures)
        parts = [
            "<p class='note'>Expected mean absolute error of each matte. Red is where it is "
            "expected to be wrong; the ring is where to click first, white on the object, black "
            "on its background.</p>"
        ]
        for above, title in ((True, "To look at"), (False, "Probably right")):
            shown = groups[above]
            word = "above" if above else "at most"
            parts.append(f"<h2>{title}: {len(shown)} {word} {self.threshold:g}</h2>")
            parts.append(f"<div class='mattes'>{''.join(shown)}</div>")
        return document("Mattes, the most doubtful first", parts, STYLE)


def _figures(name: str, pixels: Uint8Image, alpha: Alpha, doubt: Doubt) -> str:
    shown = _marked(fitted(pixels, SHOWN_SIDE, SHOWN_SIDE), doubt, pixels.shape[:2])
    told = f"<b>{html.escape(name)}</b> {doubt.expected_error:.3f}"
    if doubt.click is not None:
        x, y, positive = doubt.click
        told += f", click first at ({x}, {y}) on the {'object' if positive else 'background'}"
    photograph = picture(shown, "", f"photograph {name}", SHOWN_SIDE)
    matte = picture(grey(alpha), "", f"matte of {name}", SHOWN_SIDE)
    return f"<section class='matte'>{photograph}{matte}<p>{told}</p></section>"


def _marked(small: Uint8Image, doubt: Doubt, size: tuple[int, ...]) -> Uint8Image:
    """The photograph with its doubtful pixels in red and a ring around the first click."""
    tint = resize(doubt.map, (small.shape[0], small.shape[1]))[..., None]
    part = TINT * (tint / STRONGEST).clip(0, 1)
    drawn = np.rint(small * (1 - part) + RED * part).astype(np.uint8)
    if doubt.click is not None:
        scale = small.shape[1] / size[1]
        centre = (round(doubt.click.x * scale), round(doubt.click.y * scale))
        inner, outer = (PAPER, INK) if doubt.click.positive else (INK, PAPER)
        cv2.circle(drawn, centre, 8, outer, 5, cv2.LINE_AA)
        cv2.circle(drawn, centre, 8, inner, 2, cv2.LINE_AA)
    return drawn
