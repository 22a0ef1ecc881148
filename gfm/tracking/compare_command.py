"""Compare training runs with each other and with the paper: `scripts/compare_runs.py RUN...`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from gfm.tracking.sources import publish, read_run
from gfm.tracking.table import Compared, markdown
from rssn._files import whole_file
from rssn.console import run_command
from rssn.errors import FailedInputs, InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0 done, 1 some runs could not be read, 2 usage.
    """
    parser = argparse.ArgumentParser(prog="compare_runs", description=__doc__)
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder with run.json, such as runs/version_0, or entity/project/run on W&B",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the table as Markdown (stdout)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same as JSON")
    parser.add_argument("--report", metavar="ENTITY/PROJECT", help="the same as a W&B report")
    parser.add_argument("--title", default="GFM beside the paper", help="of the report")
    options = parser.parse_args(arguments)
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Read the runs and write the table.

    Raises:
        FailedInputs: Some runs could not be read; the table holds the others.
        InputError: A file cannot be written, or the report not made.
    """
    compared, failures = [], []
    for name in options.runs:
        try:
            summary, scores = read_run(name)
            compared.append(Compared(name, summary, scores))
        except InputError as error:
            failures.append(str(error))
    if compared:
        table = markdown(compared)
        if options.out is None:
            sys.stdout.write(table)
        else:
            _write(options.out, table)
        if options.json is not None:
            values = {"runs": [one.as_dict() for one in compared]}
            _write(options.json, json.dumps(values, indent=2, allow_nan=False) + "\n")
        if options.report is not None:
            address = publish(options.report, options.title, table)
            sys.stderr.write(f"report: {address}\n")
    if failures:
        raise FailedInputs(failures)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); give another name"
        ) from None
