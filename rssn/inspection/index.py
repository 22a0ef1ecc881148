"""Index the WebDataset tars of others: `python -m rssn.index TARS`.

Every sample is read and decoded once. Usable samples go into an index and a manifest beside the
tars (or in --out), like those of a build, so that `gfm fit`, `gfm sanity` and `rssn.inspect` accept
the folder. The tars are not changed.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from braceexpand import braceexpand

from rssn.build.executors import make_executor, run_all
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import write_errors
from rssn.imaging.locations import Location, locate, told_errors
from rssn.inspection.sample_checks import check_indexed, faults_of, reason
from rssn.inspection.statistics import Tally
from rssn.shards.manifest import INDEXED, NAME, Manifest, Plan, library_versions
from rssn.shards.parts import KNOWN, OPTIONS, Parts, choose_parts
from rssn.shards.tars import ShardInfo, describe_shard, first_extensions, list_entries

_COMPRESSED = (".gz", ".tgz", ".bz2", ".xz", ".zst")


def index_tars(
    tars: Sequence[str],
    parts: Mapping[str, str | None] | None = None,
    out: str | Path | None = None,
    *,
    workers: int | None = None,
    quiet: bool = True,
) -> Manifest:
    """Check tars of others, and write their index and manifest.

    Args:
        tars: Files, folders of them, or patterns such as `s3://bucket/{00000..8}.tar`.
        parts: Names of members by part (`composite`, `alpha`, `foreground`, `background`), if the
            names of the first sample are ambiguous; 'none' leaves a part out.
        out: Folder of the index and the manifest; None takes that of the tars.
        workers: Processes; None takes one per core.
        quiet: Show no progress.

    Returns:
        The manifest, already written. Its `failures` name the samples that were left out.

    Raises:
        InputError: The tars are missing, in several folders, those of a build, or unusable.
    """
    paths = find_tars(tars)
    place = paths[0].parent
    folder = place if out is None else locate(out)
    with told_errors(folder, "check the path"):
        before = Manifest.previous(folder)
    if before is not None and before.content != INDEXED:
        raise InputError(f"{folder}: holds a build of rssn.build, which has its index already")
    chosen = _parts_of_first(paths, parts or {})
    with make_executor("local", workers) as run:
        indexed = run_all(run, partial(index_tar, parts=chosen), paths, "tars", quiet)
    kept = [shard for shard, _ in indexed if shard.samples]
    told = [line for _, lines in indexed for line in lines]
    if not kept:
        raise InputError(f"no sample can be used, so nothing was written; the first: {told[0]}")
    configuration: dict[str, Any] = {"content": INDEXED, "parts": chosen}
    if folder != place:
        configuration["tars"] = str(place.absolute() if isinstance(place, Path) else place)
    digest = hashlib.sha256("".join(shard.sha256 for shard in kept).encode()).hexdigest()
    manifest = Manifest(Plan(configuration, library_versions("cpu"), digest), kept, told, folder)
    with write_errors(folder, "give --out, a folder that can be written to"):
        folder.mkdir(parents=True, exist_ok=True)
        manifest.write()
    return manifest


def index_tar(path: Location, parts: Parts) -> tuple[ShardInfo, list[str]]:
    """Index one tar: its entry for the manifest, and one line per unusable sample."""
    check = partial(check_indexed, parts=parts, tally=Tally())
    try:
        with told_errors(path, "copy it again"), _here(path) as file:
            found = describe_shard(file, 0, path.name)
            if not (found.entries or list_entries(file)):  # which raises the reason
                raise InputError(f"{file}: holds no samples")
            wrong = {each: "; ".join(faults_of(file, each, None, check)) for each in found.entries}
    except InputError as error:
        problem = f"{path}: {reason(error, path)}; copy it again, or leave it out"
        return ShardInfo(path.name, 0, 0, ""), [problem]
    entries = tuple(entry for entry, problem in wrong.items() if not problem)
    told = [f"{path}: sample {entry.key}: {text}" for entry, text in wrong.items() if text]
    return replace(found, samples=len(entries), entries=entries), told


def find_tars(words: Sequence[str]) -> list[Location]:
    """The tars of a command line, in order.

    Words are files, folders, and patterns with `{00000..8}`, `{a,b}` and, in the file name, `*`. An
    `InputError` if a tar is missing or compressed, or they are in several folders.
    """
    found: list[Location] = []
    try:
        paths = [locate(each) for word in words for each in braceexpand(word, escape=False)]
    except ValueError as error:
        raise InputError(f"{error}; close each brace of the pattern") from None
    for path in paths:
        with told_errors(path, "check the address"):
            found += _tars_at(path)
    tars = list(dict.fromkeys(found))
    if not tars:
        raise InputError(f"{', '.join(words)}: holds no tars; give files that end in .tar")
    folders = sorted({str(path.parent) for path in tars})
    if len(folders) > 1:
        raise InputError(f"the tars are in several folders, {folders}; index each by itself")
    return tars


def _tars_at(path: Location) -> list[Location]:
    if path.suffix in _COMPRESSED:
        raise InputError(f"{path}: is compressed, so no sample can be read by itself; unpack it")
    if "*" in path.name:
        return sorted(path.parent.glob(path.name), key=str)
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted((each for each in path.iterdir() if each.suffix == ".tar"), key=str)
    raise InputError(f"{path}: no such file; give tars, their folder, or a pattern of them")


def _parts_of_first(paths: Sequence[Location], given: Mapping[str, str | None]) -> Parts:
    """Members by part, from the first tar that can be read."""
    reasons = []
    for path in paths:
        try:
            extensions = first_extensions(path)
        except InputError as error:
            reasons.append(reason(error, path))
        else:
            return choose_parts(extensions, given)
    raise InputError(
        f"no tar can be read; the first, {paths[0]}: {reasons[0]}; give WebDataset tars"
    )


@contextmanager
def _here(path: Location) -> Iterator[Path]:
    """Yield a tar as a file on this machine; a temporary copy if it is in an object store."""
    if isinstance(path, Path):
        yield path
        return
    with TemporaryDirectory(prefix="rssn-") as folder:
        copy = Path(folder) / path.name
        path.fs.get_file(path.path, str(copy))
        yield copy


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rssn.index",
        description="Check WebDataset tars that rssn.build did not write, and write index.json and "
        "manifest.json beside them, so that gfm fit, gfm sanity and rssn.inspect take their "
        "folder.",
    )
    add = parser.add_argument
    places = "tars in one folder or object store: files, the folder, or a pattern such as "
    add("tars", nargs="+", metavar="TARS", help=places + "'s3://bucket/{00000..8}.tar'")
    for part, known in KNOWN.items():
        called = OPTIONS.get(part, part)
        told = f"member that is the {called}, such as jpg or {known[0]}.png; else told by the names"
        told += " of the first sample"
        told += "" if part in ("composite", "alpha") else "; 'none' leaves it out"
        add(f"--{called}", dest=part, metavar="NAME", help=told)
    add("--out", metavar="DIR", help="folder of index and manifest (that of the tars)")
    add("--workers", type=int, metavar="N", help="processes (one per core)")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 done, 1 some samples were left out, 2 usage."""
    chosen = parser().parse_args(arguments)

    def command() -> None:
        given = {part: getattr(chosen, part) for part in KNOWN}
        manifest = index_tars(
            chosen.tars, given, chosen.out, workers=chosen.workers, quiet=chosen.quiet
        )
        parts = ", ".join(
            f"{OPTIONS.get(part, part)} = {name}" for part, name in (manifest.parts or {}).items()
        )
        sys.stdout.write(
            f"{manifest.folder / NAME}: {manifest.samples:,} samples in {len(manifest.shards):,} "
            f"tars ({parts})\n"
        )
        if manifest.failures:
            raise FailedInputs(manifest.failures)

    return run_command(command)
