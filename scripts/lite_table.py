"""The table and the pictures of the `lite` model in docs/lite.md.

Mattes photographs with known mattes by some models, by GrabCut from a centred box, and by the best
constant matte of each photograph, and writes MAD and MSE (convention gfm) for each, a Markdown
table, and a contact sheet: photograph, true matte, then each model's matte and a cut-out on green.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import gfm
from gfm.baselines import best_constants, grabcut
from gfm.metrics import evaluate
from rssn._drawing import grey
from rssn.console import progress, run_command
from rssn.images import Alpha, Uint8Image, write_rgb
from rssn.sources import find_sources, read_source

METRICS = ("mad", "mse")
SHEET = 216  # px, height of a picture on the sheet
GREEN = (60, 170, 90)

Errors = dict[str, dict[str, float]]  # by method, by metric


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_table", description=__doc__)
    add = parser.add_argument
    add("--photographs", type=Path, required=True, help="folder with original/ and mask/")
    add("--models", type=Path, nargs="+", required=True, help="files; their names head the columns")
    add("--side", type=int, help="shorter side that photographs shrink to")
    add("--no-baselines", action="store_true", help="leave GrabCut and constants out")
    add("--out", type=Path, required=True)
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Matte, compare, and write `errors.json`, `table.md` and `sheet.png`."""
    models = {path.stem: gfm.load_model(path, "cpu") for path in options.models}
    errors: dict[str, Errors] = {}
    strips = []
    for source in progress(find_sources(options.photographs)[0], "photographs"):
        pixels = read_source(source, options.side)
        mattes = {
            name: gfm.matte(pixels.image, model, foreground="multilevel")
            for name, model in models.items()
        }
        found = {name: compare(made.alpha, pixels.alpha) for name, made in mattes.items()}
        if not options.no_baselines:
            found["GrabCut"] = compare(grabcut(pixels.image), pixels.alpha)
            best = best_constants(pixels.alpha)
            found["constant"] = {
                "mad": compare(best["sad"], pixels.alpha)["mad"],
                "mse": compare(best["mse"], pixels.alpha)["mse"],
            }
        errors[source.id] = found
        cutouts = (made.on(GREEN) for made in mattes.values())
        pictures = [pixels.image, grey(pixels.alpha), *(grey(m.alpha) for m in mattes.values())]
        strips.append(strip([*pictures, *cutouts]))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "errors.json").write_text(json.dumps(errors, indent=1))
    write_rgb(options.out / "sheet.png", stacked(strips))
    text = table(errors)
    (options.out / "table.md").write_text(text)
    sys.stdout.write(text)


def compare(pred: Alpha, alpha: Alpha) -> dict[str, float]:
    """MAD and MSE of a matte."""
    found = evaluate(pred, alpha)
    return {name: found[name] for name in METRICS}


def table(errors: Mapping[str, Errors]) -> str:
    """Markdown: a row for each photograph, worst last, and the means."""
    methods = list(next(iter(errors.values())))
    names = sorted(errors, key=lambda name: errors[name][methods[0]]["mad"])
    lines = [
        "| photograph | " + " | ".join(f"{m} MAD / MSE" for m in methods) + " |",
        "|---" * (len(methods) + 1) + "|",
    ]
    for name in names:
        cells = [" / ".join(f"{errors[name][m][k]:.4f}" for k in METRICS) for m in methods]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    means = [
        " / ".join(f"{statistics.fmean(row[m][k] for row in errors.values()):.4f}" for k in METRICS)
        for m in methods
    ]
    lines.append("| **mean** | " + " | ".join(means) + " |")
    return "\n".join(lines) + "\n"


def strip(pictures: list[Uint8Image]) -> Uint8Image:
    """Pictures of one size side by side, `SHEET` px high."""
    height, width = pictures[0].shape[:2]
    size = (round(width * SHEET / height), SHEET)
    return np.hstack([_resized(picture, size) for picture in pictures])


def stacked(strips: list[Uint8Image]) -> Uint8Image:
    """Strips below each other, two in a row, filled up with white."""
    left, right = strips[::2], strips[1::2]
    columns = []
    for column in (left, right):
        width = max((s.shape[1] for s in column), default=0)
        padded = [
            cv2.copyMakeBorder(
                s, 0, 6, 0, width + 6 - s.shape[1], cv2.BORDER_CONSTANT, value=(255,) * 3
            )
            for s in column
        ]
        columns.append(np.vstack(padded) if padded else np.zeros((0, 0, 3), np.uint8))
    height = max(len(column) for column in columns)
    filled: list[NDArray[np.uint8]] = [
        np.asarray(
            cv2.copyMakeBorder(c, 0, height - len(c), 0, 0, cv2.BORDER_CONSTANT, value=(255,) * 3),
            np.uint8,
        )
        for c in columns
        if c.size
    ]
    return np.hstack(filled)


def _resized(picture: Uint8Image, size: tuple[int, int]) -> Uint8Image:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    sys.exit(main())
