"""The tables of docs/guided.md: a guided model beside closed form and KNN, on photographs.

Three tests, of which `--tests` chooses some. `trimaps`: SAD, MSE and Grad in the unknown region
(convention dim) of the photographs that have trimaps, as they are and widened by `--widened` px,
and by a mean over views, or after `--backpropagate` steps where the model allows those.
`refine`: MAD and Grad (convention gfm) of the automatic matte and of its refinement. `masks`: MAD
of coarse masks, made of the true mattes by shifting, growing, shrinking and holing them, and of the
mattes that they become.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import gfm
from gfm.guidance.bands import UNKNOWN, Floats, Trimap, widened
from gfm.guidance.masks import Mistakes, spoiled
from gfm.guidance.trimap_files import read_trimap
from gfm.inference.refine import refine
from gfm.metrics import METRICS, evaluate
from gfm.metrics.inputs import as_mattes
from gfm.models.contract import MattingModel, Prediction
from gfm.models.options import MatteOptions
from rssn.build.sources import find_sources
from rssn.foreground.pymatting_parts import function
from rssn.imaging.console import progress, run_command
from rssn.imaging.images import Uint8Image
from rssn.imaging.reading import read_alpha, read_rgb
from rssn.imaging.writing import write_alpha

TESTS = ("trimaps", "refine", "masks")
CLASSIC = {"closed form": "alpha.estimate_alpha_cf", "KNN": "alpha.estimate_alpha_knn"}
SIZES = (10, 30)  # px of the mistakes
Errors = dict[str, dict[str, float]]  # by column, by metric


class Photograph(NamedTuple):
    """One photograph: name, pixels (H, W, 3), matte (H, W), and its trimap if it has one."""

    name: str
    image: Uint8Image
    alpha: Floats
    trimap: Trimap | None


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="guided_table", description=__doc__)
    add = parser.add_argument
    add("--photographs", type=Path, required=True, help="folder with original/, mask/, trimap/")
    add("--model", required=True, help="guided model")
    add("--tests", nargs="+", choices=TESTS, default=TESTS)
    add("--widened", nargs="*", type=int, default=[20, 40], help="px (default 20 and 40)")
    add("--backpropagate", type=int, default=0, help="steps (default none)")
    add("--no-baselines", action="store_true", help="leave closed form and KNN out")
    add("--out", type=Path, required=True)
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Write the mattes, `TEST.json` and `TEST.md`."""
    model = gfm.load_model(options.model, "cpu")
    photographs = list(read(options.photographs))
    for test in options.tests:
        found: dict[str, Errors] = {}
        for photograph in progress(photographs, test):
            if test != "trimaps" or photograph.trimap is not None:
                found[photograph.name] = RUNS[test](photograph, model, options)
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / f"{test}.json").write_text(json.dumps(found, indent=1))
        text = table(found)
        (options.out / f"{test}.md").write_text(text)
        sys.stdout.write(text)


def read(folder: Path) -> Iterator[Photograph]:
    """All photographs of a folder."""
    for source in find_sources(folder)[0]:
        path = folder / "trimap" / f"{source.id}.png"
        trimap = read_trimap(path) if path.is_file() else None
        yield Photograph(source.id, read_rgb(source.image), read_alpha(source.matte), trimap)


def on_trimaps(given: Photograph, model: MattingModel, options: argparse.Namespace) -> Errors:
    """Errors in the unknown region by the model and by the classic methods."""
    assert given.trimap is not None
    methods: dict[str, tuple[Trimap, Callable[[Trimap], Floats]]] = {}

    def guided(trimap: Trimap, **more: Any) -> Floats:  # noqa: ANN401 - options of gfm.matte
        return gfm.matte(given.image, model, trimap=trimap, foreground="none", **more).alpha

    methods["guided"] = (given.trimap, guided)
    if steps := options.backpropagate:
        fitted = partial(guided, backpropagate=steps)
        methods[f"guided, {steps} steps"] = (given.trimap, fitted)
    else:
        for views in ("flip", "full"):
            methods[f"guided, {views}"] = (given.trimap, partial(guided, augmentation=views))
    for distance in options.widened:
        methods[f"guided, {distance} px wider"] = (widened(given.trimap, distance), guided)
    for name, place in {} if options.no_baselines else CLASSIC.items():
        methods[name] = (given.trimap, partial(classic, given, place=place))
    found: Errors = {}
    for name, (trimap, method) in methods.items():
        start = time.perf_counter()
        alpha = method(trimap)
        seconds = time.perf_counter() - start
        found[name] = {**in_unknown(alpha, given.alpha, given.trimap), "seconds": seconds}
        keep(options.out / "trimaps" / name / f"{given.name}.png", alpha)
    return found


def classic(given: Photograph, trimap: Trimap, place: str) -> Floats:
    """The matte of a method of pymatting."""
    levels = np.where(trimap == UNKNOWN, 0.5, trimap / 255)
    estimate = function(place, place.rpartition(".")[2])
    return np.asarray(estimate(given.image / 255, levels), np.float32).clip(0, 1)


def in_unknown(alpha: Floats, truth: Floats, trimap: Trimap) -> dict[str, float]:
    """SAD, MSE and Grad in the unknown region, by the convention dim."""
    pair, unknown = as_mattes(alpha, truth, "dim"), trimap == UNKNOWN
    metrics = {name: METRICS[name] for name in ("sad", "mse", "grad")}
    return {name: m.reduce(m.errors(*pair, "dim")[unknown]) for name, m in metrics.items()}


def on_automatic(given: Photograph, model: MattingModel, options: argparse.Namespace) -> Errors:
    """Errors of the automatic matte, and of its refinement."""
    made = gfm.matte(given.image, foreground="none", refine="none")
    start = time.perf_counter()
    refined = refine(given.image, Prediction(made.alpha, trimap=made.trimap), model, MatteOptions())
    seconds = time.perf_counter() - start
    keep(options.out / "refine" / f"{given.name}.png", refined.alpha)
    keep(options.out / "automatic" / f"{given.name}.png", made.alpha)
    found = {"automatic": made.alpha, "refined": refined.alpha}
    errors = {name: whole(alpha, given.alpha) for name, alpha in found.items()}
    errors["refined"]["seconds"] = seconds
    return errors


def whole(alpha: Floats, truth: Floats) -> dict[str, float]:
    """MAD and Grad of the whole photograph, by the convention gfm."""
    found = evaluate(alpha, truth)
    return {name: found[name] for name in ("mad", "grad")}


def on_masks(given: Photograph, model: MattingModel, options: argparse.Namespace) -> Errors:
    """MAD of coarse masks and of what they become."""
    solid = (given.alpha > 0.5).astype(np.float32)
    found: Errors = {}
    for size in SIZES:
        for name, mistakes in (
            ("shifted", Mistakes(shift=(size / 2**0.5, size / 2**0.5))),
            ("grown", Mistakes(growth=size)),
            ("shrunk", Mistakes(growth=-size)),
            ("holed", Mistakes(holes=(size / 2,) * 10)),
        ):
            mask = spoiled(solid, mistakes, np.random.default_rng(size))
            if not mask.any() or mask.all():
                continue
            alpha = gfm.matte(given.image, model, mask=mask, foreground="none").alpha
            keep(options.out / "masks" / f"{name} {size}" / f"{given.name}.png", alpha)
            before, after = (float(np.abs(each - given.alpha).mean()) for each in (mask, alpha))
            found[f"{name} by {size} px"] = {"mask": before, "matte": after}
    return found


def keep(path: Path, alpha: Floats) -> None:
    """Write a matte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_alpha(path, alpha)


def table(found: dict[str, Errors]) -> str:
    """A Markdown table of the means over the photographs, and of each photograph."""
    columns = list(dict.fromkeys(name for errors in found.values() for name in errors))
    lines = []
    for column in columns:
        rows = [errors[column] for errors in found.values() if column in errors]
        means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
        lines.append(f"| {column} | " + " | ".join(f"{n} {v:.4g}" for n, v in means.items()) + " |")
    for name, errors in found.items():
        cells = [" ".join(f"{v:.4g}" for v in errors.get(c, {}).values()) for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


RUNS: dict[str, Callable[[Photograph, MattingModel, argparse.Namespace], Errors]] = {
    "trimaps": on_trimaps,
    "refine": on_automatic,
    "masks": on_masks,
}

if __name__ == "__main__":
    sys.exit(main())
