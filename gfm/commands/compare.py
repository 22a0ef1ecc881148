"""Compare runs with each other, other methods and the paper: `scripts/compare_runs.py RUN...`.

Runs that differ by their seeds alone are followed by their mean and standard deviation.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from gfm.evaluation.evaluate import AUTO
from gfm.tracking.methods import TrueMattes, read_method
from gfm.tracking.rows import DataSet, Track
from gfm.tracking.sources import publish, read_run
from gfm.tracking.table import Compared, group_runs, markdown
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import whole_file, write_errors


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 some runs could not be read, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="compare_runs", description=__doc__)
    parser.add_argument(
        "runs",
        nargs="*",
        metavar="RUN",
        help="folder with run.json, such as runs/version_0, or entity/project/run on W&B",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the table as Markdown (stdout)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same as JSON")
    parser.add_argument(
        "--mattes",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="a row for the mattes of another method; may be repeated",
    )
    parser.add_argument(
        "--alpha", type=Path, metavar="DIR", help="true mattes of --mattes, at the same sizes"
    )
    parser.add_argument(
        "--trimap",
        default=AUTO,
        metavar="DIR|auto",
        help="regions for --mattes; auto, the default, is what runs are validated with",
    )
    parser.add_argument("--dataset", choices=get_args(DataSet), help="of --mattes, if the paper's")
    parser.add_argument("--track", choices=get_args(Track), help="of --mattes, if the paper's")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument("--report", metavar="ENTITY/PROJECT", help="the same as a W&B report")
    parser.add_argument("--title", default="GFM beside the paper", help="of the report")
    options = parser.parse_args(arguments)
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Read the runs and write the table.

    Raises:
        FailedInputs: Some runs or mattes could not be read; the table holds the others.
        InputError: Nothing to compare, `--mattes` without `--alpha`, a file that cannot be written,
            or a report that cannot be made.
    """
    if not options.runs and not options.mattes:
        raise InputError("nothing to compare; give folders of runs, or --mattes NAME=DIR")
    if options.mattes and options.alpha is None:
        raise InputError("--mattes needs --alpha, the folder of the true mattes")
    compared, methods, failures = [], [], []
    for name in options.runs:
        try:
            summary, scores = read_run(name)
            compared.append(Compared(name, summary, scores))
        except InputError as error:
            failures.append(str(error))
    for given in options.mattes:
        true = TrueMattes(options.alpha, options.trimap, options.dataset, options.track)
        try:
            method, lines = read_method(given, true, options.quiet)
            methods.append(method)
            failures += lines
        except InputError as error:
            failures.append(str(error))
    if compared or methods:
        table = markdown(compared, methods)
        if options.out is None:
            sys.stdout.write(table)
        else:
            _write(options.out, table)
        if options.json is not None:
            values = {
                "runs": [one.as_dict() for one in compared],
                "groups": [group.as_dict() for group in group_runs(compared)],
                "methods": [dataclasses.asdict(method) for method in methods],
            }
            _write(options.json, json.dumps(values, indent=2, allow_nan=False) + "\n")
        if options.report is not None:
            address = publish(options.report, options.title, table)
            sys.stderr.write(f"report: {address}\n")
    if failures:
        raise FailedInputs(failures)


def _write(path: Path, text: str) -> None:
    with write_errors(path, "give another name"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
