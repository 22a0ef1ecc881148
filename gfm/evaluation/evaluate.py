"""Evaluation of a folder of predicted mattes: the command `python -m gfm evaluate`."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gfm.evaluation.pairs import add_true_foregrounds, pair_files
from gfm.evaluation.published_trimaps import table_beside
from gfm.guidance.transition import transition_regions
from gfm.metrics import Convention, evaluate
from gfm.metrics.inputs import TRANSITION
from gfm.metrics.layers import layer_errors
from gfm.metrics.trimap import optimal_trimap, trimap_errors
from rssn.imaging.console import progress
from rssn.imaging.errors import FailedInputs, InputError, check_choice, one_line
from rssn.imaging.files import make_folder, whole_file, write_errors
from rssn.imaging.licences import prepared_data
from rssn.imaging.reading import read_alpha, read_rgb

Metrics = dict[str, float]
AUTO = "auto"  # in place of a folder of trimaps
SHARES = ("accuracy", "miou")  # better if larger


@dataclass(frozen=True)
class Report:
    """Result of the evaluation of a folder.

    Attributes:
        convention: Convention of the metrics, `gfm`, `dim` or `lsa`.
        images: Metrics of each image that could be evaluated, by its stem, in name order.
        failures: One line for each image that could not, beginning with its stem.
        data: The data set, as `data_tools prepare` calls it; None where that is not known.
    """

    convention: Convention
    images: Mapping[str, Metrics]
    failures: Sequence[str]
    data: str | None = None

    @property
    def means(self) -> Metrics:
        """Mean of each metric over the evaluated images; empty without any."""
        rows = list(self.images.values())
        keys = rows[0] if rows else {}
        return {key: math.fsum(row[key] for row in rows) / len(rows) for key in keys}

    def write(self, path: Path) -> None:
        """Write the report as JSON; the file appears under its name only when it is whole.

        Raises:
            InputError: It cannot be written there.
        """
        content = {
            "convention": self.convention,
            "data": self.data,
            "count": len(self.images),
            "means": self.means,
            "images": [{"name": name, **row} for name, row in self.images.items()],
            "failures": list(self.failures),
        }
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        with write_errors(path), whole_file(path) as part:
            part.write_text(text, encoding="utf-8")

    def table(self) -> Table:
        """The means, and for each metric the worst image."""
        table = Table(title=f"{len(self.images)} images, convention {self.convention}")
        table.add_column("metric")
        table.add_column("mean", justify="right")
        table.add_column("worst", justify="right")
        table.add_column("image", overflow="fold")
        for metric, mean in self.means.items():
            sign = -1 if metric in SHARES else 1
            name, row = max(self.images.items(), key=lambda item: sign * item[1][metric])
            table.add_row(metric, f"{mean:.6g}", f"{row[metric]:.6g}", Text(name))
        return table

    def table_beside(self, name: str) -> Table | None:
        """The means, called by a name, beside published ones; None where there are none.

        Those are of the unknown region, and so have to be the means.
        """
        is_of_region = self.convention == "lsa" or "sad_transition" in self.means
        return (
            table_beside({name: self.means}, self.data, self.convention) if is_of_region else None
        )


def evaluate_folders(
    pred: str | Path,
    alpha: str | Path,
    trimap: str | Path | None = None,
    convention: Convention = "gfm",
    workers: int | None = None,
    quiet: bool = False,
    *,
    adapted: str | Path | None = None,
    foreground: str | Path | None = None,
    true_foreground: str | Path | None = None,
) -> Report:
    """Compare each predicted matte of a folder with the true matte of the same stem.

    Args:
        pred: Folder of predictions, 8- or 16-bit grey images.
        alpha: Folder of true mattes, likewise.
        trimap: Folder of trimaps with levels 0 background, 128 transition and 255 foreground, for
            the metrics of the regions; `"auto"` makes them from the true mattes, as
            `gfm.training.validation` does (kernel of 25 px).
        convention: Convention of the metrics, see `gfm.metrics.evaluate`.
        workers: Number of processes; one for each core by default. They are started afresh, so a
            script that asks for more than 1 must keep its body under `if __name__ == "__main__"`.
        quiet: Show no progress.
        adapted: Folder of predicted trimaps with the same levels, for `accuracy` and `miou` against
            the optimal trimap of the true matte.
        foreground: Folder of predicted colours of the objects, RGB or cut-outs; with
            `true_foreground` for the errors of alpha F and of F (`gfm.metrics.layers`), in the
            transition where there are trimaps.
        true_foreground: Folder of the true ones. One of `NAME` is that of all composites `NAME_0`,
            `NAME_1` and so on.

    Returns:
        The metrics of the images, and a failure for each stem that a folder lacks, and each image
        that cannot be read or does not fit.

    Raises:
        InputError: A folder that is missing or holds no image, one of the two folders of
            foregrounds alone, an unknown convention, or fewer workers than 1.
    """
    check_choice("convention", convention, get_args(Convention))
    if workers is not None and workers < 1:
        raise InputError(f"workers={workers}; give at least 1")
    folders = {"prediction": Path(pred), "true matte": Path(alpha)}
    if trimap is not None and trimap != AUTO:
        folders["trimap"] = Path(trimap)
    if adapted is not None:
        folders["adapted trimap"] = Path(adapted)
    if (foreground is None) != (true_foreground is None):
        raise InputError(
            "errors of the foreground need both folders; give --foreground and --true-foreground"
        )
    if foreground is not None:
        folders["foreground"] = Path(foreground)
    pairs, failures = pair_files(folders)
    if true_foreground is not None:
        failures += add_true_foregrounds(pairs, Path(true_foreground))
        folders["true foreground"] = Path(true_foreground)
    workers = min(workers or os.cpu_count() or 1, max(len(pairs), 1))
    jobs = [
        partial(_evaluate_files, dict(zip(folders, paths, strict=True)), convention, trimap == AUTO)
        for paths in pairs.values()
    ]
    results = progress(run_jobs(jobs, workers), "evaluate", len(jobs), quiet)
    images = {}
    for name, result in zip(pairs, results, strict=True):
        if isinstance(result, str):
            failures.append(f"{name}: {result}")
        else:
            images[name] = result
    return Report(convention, images, sorted(failures), prepared_data(Path(alpha).parent))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate` to a parser."""
    for name, what in (("pred", "predicted mattes"), ("alpha", "true mattes")):
        parser.add_argument(
            f"--{name}", type=Path, required=True, metavar="DIR", help=f"folder of {what}"
        )
    parser.add_argument(
        "--trimap",
        metavar="DIR|auto",
        help="for the errors by region: folder of trimaps (0, 128, 255), or auto to make them from "
        "the true mattes (kernel of 25 px)",
    )
    parser.add_argument(
        "--adapted",
        type=Path,
        metavar="DIR",
        help="folder of trimaps that a model adapted, for their accuracy and mIoU",
    )
    parser.add_argument(
        "--foreground",
        type=Path,
        metavar="DIR",
        help="folder of predicted foregrounds, for the errors of alpha F and of F",
    )
    parser.add_argument(
        "--true-foreground", type=Path, metavar="DIR", help="folder of the true foregrounds"
    )
    parser.add_argument(
        "--convention",
        choices=get_args(Convention),
        default="gfm",
        help="gfm: the released evaluation; dim: that of Deep Image Matting; lsa: that of LSA "
        "matting, which needs --trimap (gfm)",
    )
    parser.add_argument(
        "--json", type=Path, required=True, metavar="OUT", help="file for the report"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes (cores)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> None:
    """Evaluate, write the report and show its table.

    Raises:
        InputError: Options that do not fit, see `evaluate_folders`.
        FailedInputs: Some images could not be evaluated; the report holds the others.
    """
    if options.json.is_dir():
        raise InputError(f"--json {options.json} is a folder; give the name of a file")
    make_folder(options.json.parent, f"--json {options.json}")  # before the long part
    report = evaluate_folders(
        options.pred,
        options.alpha,
        options.trimap,
        options.convention,
        options.workers,
        options.quiet,
        adapted=options.adapted,
        foreground=options.foreground,
        true_foreground=options.true_foreground,
    )
    report.write(options.json)
    Console().print(report.table())
    if report.images and (beside := report.table_beside(str(options.pred))) is not None:
        Console().print(beside)
    if report.failures:
        raise FailedInputs(report.failures)


def run_jobs(jobs: Sequence[Callable[[], Metrics | str]], workers: int) -> Iterator[Metrics | str]:
    """The metrics of each job, in order, or why there are none."""
    if workers == 1:
        yield from (job() for job in jobs)
        return
    # One thread each: the processes share the cores, and forked OpenCV threads can hang.
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
    )
    try:
        for future in [pool.submit(job) for job in jobs]:
            try:
                yield future.result()
            except BrokenProcessPool:
                yield "its process died, perhaps for want of memory; give fewer workers"
    finally:
        pool.shutdown(cancel_futures=True)


def _evaluate_files(
    paths: Mapping[str, Path], convention: Convention, auto_trimap: bool
) -> Metrics | str:
    """The metrics of one image from its files, by what they hold."""
    try:
        alpha = read_alpha(paths["true matte"])
        labels: NDArray[np.uint8] | None = None
        if auto_trimap:
            labels = transition_regions(alpha)
        elif "trimap" in paths:
            labels = _labels(paths["trimap"])
        pred = read_alpha(paths["prediction"])
        metrics = evaluate(pred, alpha, labels, convention)
        if "adapted trimap" in paths:
            metrics |= trimap_errors(_labels(paths["adapted trimap"]), optimal_trimap(alpha))
        if "foreground" in paths:
            predicted, true = (read_rgb(paths[n]) for n in ("foreground", "true foreground"))
            region = None if labels is None else labels == TRANSITION
            metrics |= layer_errors((pred, predicted), (alpha, true), region)
        return metrics
    except (InputError, MemoryError) as error:
        return one_line(error)


def _labels(path: Path) -> NDArray[np.uint8]:
    """A trimap of levels 0, 128 and 255 as the labels 0, 1 and 2."""
    levels = read_alpha(path)
    labels = np.full(levels.shape, 3, np.uint8)
    for label, level in enumerate((0, 128, 255)):
        labels[np.abs(levels * 255 - level) < 1e-3] = label
    if (labels == 3).any():
        other = np.unique(np.rint(levels[labels == 3] * 255)).astype(int)
        raise InputError(
            f"{path}: a trimap with level {other[0]}; wanted 0 background, 128 transition, "
            "255 foreground"
        )
    return labels
