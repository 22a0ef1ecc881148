"""`gfm bench`: methods beside one another on one's own photographs with mattes."""

from __future__ import annotations

import argparse
from pathlib import Path

from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import make_folder, whole_file, write_errors

JSON, PAGE = "bench.json", "bench.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "folder",
        type=Path,
        metavar="DIR",
        help="original/ and mask/ with the same names, and trimap/ and fg/ (true colours) where "
        "there are some; or fg/ and alpha/, or RGBA cut-outs",
    )
    add(
        "--methods",
        nargs="+",
        metavar="METHOD",
        help="[NAME=]WHAT[,refine=none|MODEL]; WHAT is a model, a description of an ONNX file "
        "(.yaml), a folder of mattes, grabcut, closed_form, knn, rembg or rembg:MODEL; the others "
        "are compared with the first (default: the models of the package and what needs no "
        "weights)",
    )
    add("--side", type=int, metavar="PX", help="shorter side that photographs are shrunk to")
    add("--backgrounds", type=Path, metavar="DIR", help="pictures to put cut-outs on")
    add(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help=f"folder that gets {PAGE}, {JSON} and the mattes",
    )
    add("--device", default="auto", help="of the models: auto, cpu or cuda")
    add("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> None:
    """Compare, write the page and the figures, and show the tables.

    Raises:
        FailedInputs: A method or a photograph failed; the others are in the tables.
        InputError: Nothing to compare, or an option that does not fit.
    """
    from gfm.bench.cases import find_cases
    from gfm.bench.methods import parse_methods, usual_methods

    cases, failures = find_cases(options.folder, options.side, options.backgrounds)
    if options.methods is None:
        methods = usual_methods(any(case.trimap is not None for case in cases))
    else:
        methods = parse_methods(options.methods)
    make_folder(options.out, f"--out {options.out}")
    # Whoever made a mistake above does not wait for PyTorch.
    from rich.console import Console

    from gfm.bench.comparison import compare
    from gfm.bench.page import render

    report, unread = compare(
        options.folder, cases, methods, options.out, options.device, options.quiet
    )
    report.write(options.out / JSON)
    page = options.out / PAGE
    with write_errors(page), whole_file(page) as part:
        part.write_text(render(report, cases, options.out), encoding="utf-8")
    console = Console()
    for table in report.tables():
        console.print(table)
    for row in report.rows:
        for seen in row.seen:
            console.print(
                f"{seen.photograph}: nearly a training picture of {seen.source} ({row.name})",
                markup=False,
            )
    if failed := [*failures, *unread, *report.failures]:
        if not any(row.errors for row in report.rows):
            raise InputError(f"no method made a matte; {failed[0]}")
        raise FailedInputs(failed)
