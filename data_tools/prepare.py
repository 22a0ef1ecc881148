"""`data_tools prepare`: arrange a downloaded data set in the uniform folders, file by file.

Files are hard-linked: that takes no space and no time, and unlike a symbolic link it survives the
removal of the download. Nothing here or in training writes into an existing file, so the shared
bytes are safe. On another file system they are copied. Pixels are never transcoded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from data_tools.arrangement import Job, locate, plan
from data_tools.composition import PER_FOREGROUND, compose_all
from data_tools.layouts import Layout, find_layout, known_layouts
from data_tools.matte_checks import looks_inverted
from data_tools.objects import find_labels, take_objects
from data_tools.placing import Way, add_way_options, place
from data_tools.records import read_record, write_json
from data_tools.work import add_work_options, failures_of
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.images import check_size, files_in, image_files
from rssn.imaging.licences import PREPARED as RECORD
from rssn.imaging.reading import read_alpha, read_rgb

COMPOSED = {("adobe-dim", "test"): "composition-1k"}  # composites that papers have a name for


@dataclass(frozen=True)
class Prepared:
    """Number of images of each split, and a line for each file that could not be used."""

    counts: dict[str, int]
    failures: tuple[str, ...]


def prepare(
    layout: Layout,
    source: Path,
    out: Path,
    split: str | None = None,
    way: Way = "hard",
    as_is: bool = False,
    workers: int | None = None,
    quiet: bool = False,
) -> Prepared:
    """Arrange a data set in the uniform folders of `out/SPLIT/`.

    These are `original/` + `mask/`, `fg/` + `alpha/` or `backgrounds/`. Published trimaps go to
    `trimap/`, and `prepared.json` records the origin. Called again, it does the rest. Nothing is
    overwritten.

    Args:
        layout: Of `source`.
        source: Folder of the data set, or that of its unpacked archives.
        out: Folder of the results.
        split: Only this split; None takes all that exist.
        way: 'hard' links (copies if that is impossible), 'symbolic' links or 'copy'.
        as_is: Accept mattes that look inverted.
        workers: Processes that check images; None takes one per core.
        quiet: Show no progress.

    Raises:
        InputError: The folder does not fit the layout, or `out` holds another data set.
    """
    root, found = locate(layout, source, split)
    counts: dict[str, int] = {}
    failures: list[str] = []
    for name, parts in found.items():
        target = out / name
        record = _claim(target, layout, name, source)
        if layout.holds == "objects":
            pairs, unpaired = find_labels(root, parts)
            folders = {target / "original", target / "mask"}
            tasks = [(pair[0], partial(take_objects, *pair, target, way)) for pair in pairs]
        else:
            jobs, unpaired = plan(layout.holds, root, parts, target)
            folders = {path.parent for job in jobs for _, path in job.files}
            tasks = [(job.image, partial(_take, job, way, as_is)) for job in jobs]
        if not tasks and not unpaired:
            raise InputError(f"{root / parts[0].images}: holds no image; is the download complete?")
        for folder in sorted(folders):
            folder.mkdir(parents=True, exist_ok=True)
        failed = failures_of(tasks, f"prepare {name}", workers, quiet)
        counts[name] = len(tasks) - len(failed)
        if layout.holds == "objects":
            counts[name] = len(files_in(target / "mask"))
        failures += (told := [*unpaired, *failed])
        write_json(target / RECORD, {**record, "images": counts[name], "failures": told})
    return Prepared(counts, tuple(failures))


def _take(job: Job, way: Way, as_is: bool) -> None:
    """Check an image and put it in its place."""
    if not all(target.exists() for _, target in job.files):
        _check(job, as_is)
    for source, target in job.files:
        place(source, target, way)


def _check(job: Job, as_is: bool) -> None:
    shape = read_rgb(job.image).shape
    for path in filter(None, (job.trimap, job.matte)):
        alpha = read_alpha(path)
        check_size(path, alpha.shape, shape)
        if path is job.matte:
            if not alpha.any():
                raise InputError(f"{path}: alpha is 0 everywhere; give its matte")
            if not as_is and looks_inverted(alpha):
                raise InputError(
                    f"{path}: looks inverted (higher along the frame than inside); invert it, "
                    "or give --as-is where it is right"
                )


def _claim(target: Path, layout: Layout, split: str, source: Path) -> dict[str, object]:
    """Begin the record of a folder, which is new or holds the same split of the same data set."""
    held = read_record(target / RECORD, lambda record: f"{record['layout']} {record['split']}")
    if held not in (None, f"{layout.name} {split}"):
        raise InputError(f"{target}: holds {held}; give another --out")
    record = {
        "layout": layout.name,
        "split": split,
        "source": str(source),
        "licence": layout.licence,
        "images": 0,
        "failures": ["not finished"],
    }
    write_json(target / RECORD, record)
    return record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--layout", required=True, metavar="NAME", help=", ".join(known_layouts()))
    add("--source", type=Path, required=True, metavar="DIR", help="the download")
    add("--out", type=Path, required=True, metavar="DIR", help="gets a folder per split")
    add("--split", metavar="NAME", help="only this one (all that exist)")
    add_way_options(parser)
    protocol = "compose foregrounds over the backgrounds in DIR by the protocol of the data set: "
    numbers = "100 each in train, 20 each in test, into OUT/SPLIT-composites"
    add("--compose", type=Path, metavar="DIR", help=protocol + numbers)
    add("--names", type=Path, metavar="FILE", help="the backgrounds in their order")
    add("--as-is", action="store_true", help="take mattes that look inverted, too")
    add_work_options(parser)


def run(options: argparse.Namespace) -> None:
    """Prepare a data set and print the terms of its licence."""
    layout = find_layout(options.layout)
    sys.stdout.write(f"{layout.title}: {layout.licence}\n")
    prepared = prepare(
        *(layout, options.source, options.out, options.split, options.way, options.as_is),
        *(options.workers, options.quiet),
    )
    for split, images in prepared.counts.items():
        sys.stdout.write(f"{options.out / split}: {images} images\n")
    failures = [*prepared.failures, *compose_splits(options, layout, prepared)]
    if failures:
        raise FailedInputs(failures)


def compose_splits(
    options: argparse.Namespace, layout: Layout, prepared: Prepared
) -> Iterator[str]:
    """Make the composites that the options require; a line for each foreground that failed."""
    if options.compose is None:
        if options.names is not None:
            raise InputError(f"--names {options.names}: no effect without --compose DIR")
        return
    if layout.holds != "foregrounds":
        raise InputError(
            f"--compose {options.compose}: {layout.title} holds {layout.holds}; leave it out"
        )
    splits = [split for split in prepared.counts if split in PER_FOREGROUND]
    if len(splits) > 1:
        raise InputError(
            f"--compose {options.compose}: {' and '.join(splits)} have different backgrounds; "
            "choose one with --split"
        )
    for split in splits:
        out = options.out / f"{split}-composites"
        yield from compose_all(
            *(options.out / split, options.compose, out, PER_FOREGROUND[split], options.names),
            *(options.workers, options.quiet),
        )
        count = len(image_files(out / "original"))
        name = COMPOSED.get((layout.name, split), f"{layout.name}-composites")
        content = {"layout": name, "split": split, "licence": layout.licence, "images": count}
        write_json(out / RECORD, content)
        sys.stdout.write(f"{out}: {count} composites\n")
