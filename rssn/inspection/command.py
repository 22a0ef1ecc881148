"""Inspect a build: `python -m rssn.inspect SHARDS`.

Every shard is compared with the manifest, and every sample is read, decoded and blended again. A
table shows the statistics, a contact sheet some samples. `--sample KEY` rebuilds one sample from
its record and compares it with the stored one, bit by bit.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from rssn.build.builder import BuildOptions
from rssn.build.executors import make_executor
from rssn.imaging.console import run_command
from rssn.imaging.drawing import grey
from rssn.imaging.errors import FailedInputs, InputError, one_line
from rssn.imaging.files import write_errors, write_whole
from rssn.imaging.locations import Location, locate, told_errors
from rssn.imaging.writing import encode_rgb
from rssn.inspection.contact_sheet import Shown, contact_sheet, describe
from rssn.inspection.rebuilding import rebuild
from rssn.inspection.statistics import summarise
from rssn.inspection.tables import rebuilt_table, statistics_table
from rssn.inspection.verification import inspect_shards
from rssn.shards.manifest import INDEXED, NAME, PLAN_NAME, Manifest
from rssn.shards.parts import name_parts
from rssn.shards.tars import MEMBERS, decode_parts, read_entry

SHEET_NAME = "contact.jpg"
SHEET_SAMPLES = 6


def inspect_build(
    folder: Location, *, workers: int | None = None, quiet: bool = True
) -> dict[str, Any]:
    """Compare a build with its manifest and count its content.

    Returns:
        In the types that JSON has: 'problems', one line each; 'statistics'; and from the manifest
        'shards' (their number), 'bytes', 'failures', 'configuration' and 'versions'.
    """
    manifest = read_manifest(folder)
    configuration = manifest.plan.configuration
    is_built = manifest.content != INDEXED
    route = BuildOptions.from_dict(configuration).route if is_built else None
    with make_executor("local", workers) as executor:
        findings = inspect_shards(manifest, executor, quiet)
    shards = [*manifest.shards, *manifest.backgrounds]
    return {
        "problems": findings.problems,
        "shards": len(shards),
        "bytes": sum(shard.bytes for shard in shards),
        "statistics": summarise(findings.tally, route),
        "failures": manifest.failures,
        "configuration": configuration,
        "versions": manifest.plan.versions,
    }


def read_manifest(folder: Location) -> Manifest:
    """Manifest of a finished build; an `InputError` if there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one that rssn.build wrote")
    if not (folder / NAME).is_file() and (folder / PLAN_NAME).is_file():
        raise InputError(
            f"{folder}: the build is not finished ({PLAN_NAME}, but no {NAME}); finish it with "
            "python -m rssn.build ... --resume"
        )
    return Manifest.read(folder)


def chosen_samples(manifest: Manifest, count: int) -> Iterator[Shown]:
    """Up to `count` readable samples, spread evenly over a build."""
    index = manifest.index()
    places = [(shard.name, entry) for shard in manifest.shards for entry in index[shard.name]]
    count = min(count, len(places))
    for number in range(count):
        name, entry = places[(2 * number + 1) * len(places) // (2 * count)]
        try:
            members = read_entry(manifest.tars / name, entry, None if manifest.parts else MEMBERS)
            images = decode_parts(name_parts(members, manifest.parts))
            more = f"of {name}" if manifest.parts else describe(json.loads(members["record.json"]))
            yield Shown(images | {"alpha": grey(images["alpha"])}, f"{entry.key} {more}")
        except ValueError:  # an InputError, too; it is among the problems
            continue


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rssn.inspect",
        description="Verify the shards of a build, count what they hold, and draw some samples.",
    )
    add = parser.add_argument
    add("shards", metavar="SHARDS", help="folder of a build, or its address")
    add("--json", type=Path, metavar="OUT", help="write the findings as JSON")
    add("--sheet", type=Path, metavar="OUT.jpg", help=f"contact sheet (SHARDS/{SHEET_NAME})")
    add("--workers", type=int, metavar="N", help="processes (one per core)")
    add("--quiet", action="store_true", help="no progress bar")
    one = parser.add_argument_group("rebuild one sample and compare it, instead of all that")
    one.add_argument("--sample", metavar="KEY")
    one.add_argument("--foregrounds", type=Path, metavar="DIR", help="of the build")
    one.add_argument("--backgrounds", type=Path, metavar="DIR", help="of the build")
    one.add_argument("--cache", type=Path, metavar="DIR", help="prepared sources (prepared anew)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 no problems, 1 problems, 2 usage."""
    chosen = parser().parse_args(arguments)

    def command() -> None:
        folder = locate(chosen.shards)
        with told_errors(folder, "check the path"):
            (_rebuild if chosen.sample else _inspect)(folder, chosen)

    return run_command(command)


def _inspect(folder: Location, chosen: argparse.Namespace) -> None:
    if chosen.foregrounds or chosen.backgrounds or chosen.cache:
        raise InputError("--foregrounds, --backgrounds and --cache go with --sample KEY; give it")
    sheet = folder / SHEET_NAME if chosen.sheet is None else chosen.sheet
    if sheet.suffix.lower() not in (".jpg", ".jpeg"):
        raise InputError(f"--sheet {sheet}: is not a JPEG; give a name that ends in .jpg")
    manifest = read_manifest(folder)
    for path in (chosen.json, chosen.sheet):
        _check_output(path)
    report = inspect_build(folder, workers=chosen.workers, quiet=chosen.quiet)
    console = Console(markup=False, highlight=False)
    console.print(statistics_table(report))
    problems = list(report["problems"])
    if chosen.json:
        problems += _written(chosen.json, (json.dumps(report, indent=2) + "\n").encode())
    told = _draw(manifest, sheet, is_named=chosen.sheet is not None)
    if told and chosen.sheet is not None:
        problems += told
    else:  # a default sheet that cannot be written is no problem of the build
        console.print(*(told or [f"{sheet}: some of the samples"]), soft_wrap=True)
    if problems:
        raise FailedInputs(problems)
    console.print("all shards and samples match the manifest", soft_wrap=True)


def _draw(manifest: Manifest, path: Location, is_named: bool) -> list[str]:
    """Draw the contact sheet; returns a line with the reason if that is impossible."""
    if manifest.content == "sources":
        return [f"{path}: is not drawn: these are shards of sources"]
    if path.exists() and not is_named:
        return [f"{path}: exists and is kept; --sheet names another"]
    try:
        samples = list(chosen_samples(manifest, SHEET_SAMPLES))
    except InputError as error:
        return [f"{path}: is not drawn: {one_line(error)}"]
    return _written(path, encode_rgb(contact_sheet(samples)))


def _written(path: Location, data: bytes) -> list[str]:
    """Write a file atomically; returns a line with the reason if that is impossible."""
    try:
        with write_errors(path, "name another"):
            write_whole(path, data)
    except InputError as error:
        return [str(error)]
    return []


def _rebuild(folder: Location, chosen: argparse.Namespace) -> None:
    if chosen.json or chosen.sheet:
        raise InputError("--json and --sheet are for the whole build; leave them out, or --sample")
    if chosen.foregrounds is None:
        raise InputError("--sample needs --foregrounds, the folder that the build was made from")
    manifest = read_manifest(folder)
    if manifest.content == INDEXED:
        raise InputError(
            f"{folder}: its samples were not built here, so none can be rebuilt; leave --sample out"
        )
    rebuilt = rebuild(manifest, chosen.sample, chosen.foregrounds, chosen.backgrounds, chosen.cache)
    console = Console(markup=False, highlight=False)
    console.print(rebuilt_table(rebuilt))
    different = [
        f"{rebuilt.key}: {name}: {what}" for name, what in rebuilt.differences().items() if what
    ]
    if rebuilt.changed or different:
        raise FailedInputs([f"{rebuilt.key}: {line}" for line in rebuilt.changed] + different)
    console.print(f"{rebuilt.key}: the same, bit by bit", soft_wrap=True)


def _check_output(path: Path | None) -> None:
    """Refuse an output file that cannot be written, before the long part."""
    if path is not None and path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file")
    if path is not None and not path.absolute().parent.is_dir():
        raise InputError(f"{path.parent}: no such folder; make it, or give another name")
