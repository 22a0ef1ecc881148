"""The command: gathers what the other commands wrote, and fails if the model lost."""

from __future__ import annotations

import argparse
import csv
import json
import platform
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gfm.evaluation.comparison import MODEL, compare
from gfm.evaluation.report_page import Curve, Scene, fit_page, render
from gfm.inference.cutout import Matte
from rssn.imaging.drawing import grey
from rssn.imaging.errors import FailedInputs, InputError, one_line
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_alpha, read_rgb, read_rgba
from rssn.imaging.writing import encode_rgb

PICTURE_ROWS = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    for name, what in (
        ("photos", "folder of held-out photographs"),
        ("alpha", "folder of their reference mattes"),
        ("mattes", "folder that infer.py wrote: alpha/, rgba/, trimap/"),
        ("evaluation", "JSON of gfm evaluate"),
        ("log", "metrics.csv of the training run"),
        ("backgrounds", "folder of pictures to put the cut-outs on"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH", help=what)
    parser.add_argument(
        "--before", type=Path, metavar="PATH", help="JSON of gfm evaluate before the training"
    )
    parser.add_argument("--gallery", type=Path, metavar="PATH", help="a picture to show first")
    parser.add_argument("--facts", type=Path, help="JSON object of lines to print at the end")
    parser.add_argument("--title", default="GFM, trained on composites of RSSN")
    parser.add_argument("--out", type=Path, required=True, help="report.html; a picture beside it")
    parser.add_argument(
        "--require-better", action="store_true", help="exit 1 if a baseline is not beaten"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> None:
    """Write the report and a picture of some of its rows.

    Raises:
        InputError: A file that other commands wrote is missing or broken, or the report cannot be
            written.
        FailedInputs: The model does not beat the baselines, and `--require-better` is set.
    """
    curves, facts = read_curves(options.log), _read_facts(options.facts)
    comparison = compare(
        options.evaluation, options.photos, options.alpha, options.before, options.quiet
    )
    names = sorted(comparison.rows[MODEL], key=lambda name: comparison.rows[MODEL][name]["sad"])
    scenes = _scenes(names, options)
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    page = render(
        options.title,
        comparison,
        curves,
        scenes,
        [*((str(k), str(v)) for k, v in facts.items()), ("machine", machine)],
        None if options.gallery is None else read_rgb(options.gallery),
    )
    _write(options.out, page.encode())
    _write(options.out.with_name("picture.jpg"), encode_rgb(contact_sheet(scenes)))
    defeats = comparison.defeats()
    if options.require_better and defeats:
        raise FailedInputs([f"{options.out}: {line}" for line in defeats])


def read_curves(log: Path) -> list[Curve]:
    """The loss and the validation error of a run, from Lightning's CSV log.

    Raises:
        InputError: The log cannot be read or holds no loss.
    """
    try:
        with log.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{log}: cannot be read ({error}); give metrics.csv") from None
    curves = []
    for key, title, logarithmic in (
        ("loss", "training loss", True),
        ("val_sad", "SAD on the validation photographs", False),
    ):
        try:
            logged = [(float(r["step"]), float(r[key])) for r in rows if r.get(key)]
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{log}: is no log of a run ({one_line(error)}); give metrics.csv"
            ) from None
        if key == "loss" and not logged:
            raise InputError(f"{log}: holds no loss; give the metrics.csv of a training run")
        if logged:
            steps, values = zip(*logged, strict=True)
            curves.append(Curve(title, steps, values, logarithmic))
    return curves


def _read_facts(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error})") from None
    if not isinstance(facts, dict):
        raise InputError(f"{path}: holds no JSON object; write the lines as name: value")
    return facts


def _write(path: Path, content: bytes) -> None:
    with write_errors(path, "give another --out"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(content)


def contact_sheet(scenes: list[Scene], rows: int = PICTURE_ROWS) -> NDArray[np.uint8]:
    """Photograph, trimap, alpha and cut-out of scenes spread evenly from the best to the worst."""
    chosen = [scenes[round(i)] for i in np.linspace(0, len(scenes) - 1, min(rows, len(scenes)))]
    side = min(min(fit_page(scene.photo).shape[:2]) for scene in chosen)
    lines = [
        np.hstack([_square(part, side) for part in (s.photo, s.trimap, s.alpha, s.cutout)])
        for s in chosen
    ]
    return np.vstack(lines)


def _square(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    shown = fit_page(picture)
    top, left = (shown.shape[0] - side) // 2, (shown.shape[1] - side) // 2
    return shown[top : top + side, left : left + side]


def _scenes(names: list[str], options: argparse.Namespace) -> list[Scene]:
    photos = {path.stem: path for path in image_files(options.photos)}
    truths = {path.stem: path for path in image_files(options.alpha)}
    backgrounds = image_files(options.backgrounds)
    scenes = []
    for index, name in enumerate(names):
        colours, alpha = read_rgba(options.mattes / "rgba" / f"{name}.png")
        trimap = read_alpha(options.mattes / "trimap" / f"{name}.png")
        matte = Matte(alpha, colours, np.rint(2 * trimap).astype(np.uint8))
        scenes.append(
            Scene(
                name,
                read_rgb(photos[name]),
                grey(trimap),
                grey(alpha),
                grey(read_alpha(truths[name])),
                matte.on(read_rgb(backgrounds[index % len(backgrounds)])),
            )
        )
    return scenes
