"""`python -m gfm licence MODEL`: sources and licences of what its weights were trained on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gfm.checkpoints.licences import by_terms, terms, verdict
from gfm.checkpoints.packaged import EXPORTED, find_packaged
from gfm.models.contract import NOT_RECORDED, Licence
from gfm.runtimes.model import RUNTIMES, load_exported
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file, write_errors

STDOUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model file, an exported one (.onnx, .xml), lite, guided, or a hub id",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const=STDOUT,
        metavar="OUT",
        help="write JSON, to this file or to stdout, in place of the table",
    )


def run(options: argparse.Namespace) -> None:
    """Show sources, licences, shares, and what they allow.

    Raises:
        InputError: No such model, or a file that cannot be written.
    """
    licences = licences_of(options.model)
    if options.json is None:
        if licences:
            Console().print(table(licences))
        sys.stdout.write(f"{options.model}: {verdict(licences)}\n")
        return
    text = json.dumps(content(options.model, licences), indent=2) + "\n"
    if options.json == STDOUT:
        sys.stdout.write(text)
        return
    path = Path(options.json)
    with write_errors(path), whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def licences_of(model: str) -> list[Licence]:
    """Licences that a model file records, an exported one too.

    Raises:
        InputError: No such model.
    """
    path = Path(model)
    if path.suffix == ".ckpt":
        raise InputError(
            f"{path}: is a state of training; give {path.with_suffix('.safetensors').name}, the "
            "model beside it"
        )
    if not path.exists():
        path = find_packaged(model, EXPORTED) or path
    if path.suffix in RUNTIMES:
        return load_exported(path, "cpu").licences
    from gfm.checkpoints.files import read_licences  # needs PyTorch

    return read_licences(model)


def table(licences: Sequence[Licence]) -> Table:
    """A row for each source and licence, in the order of the file."""
    rows = Table()
    rows.add_column("source", overflow="fold")
    rows.add_column("licence, as the source states it", overflow="fold")
    rows.add_column("share", justify="right")
    rows.add_column("terms", no_wrap=True)
    for source, licence, share in licences:
        shown = f"{share:.1%}" if share else "start"  # weights that the training began with
        rows.add_row(Text(source), Text(licence), shown, terms(licence))
    return rows


def content(model: str, licences: Sequence[Licence]) -> dict[str, Any]:
    """The same as JSON."""
    found = by_terms(licences)
    return {
        "model": model,
        "verdict": next(iter(found), NOT_RECORDED),
        "by_terms": found,
        "sources": [{**each._asdict(), "terms": terms(each.licence)} for each in licences],
    }
