"""`data_tools split`: divide photographs into training and validation.

The hash of its name decides the side of an image, so that it does not change when others are added
or removed, or on another machine. Nearly equal images stay together: a copy of a training image
cannot validate a network.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from data_tools.collection import Item, read_collection
from data_tools.duplicates import find_pairs
from data_tools.measurement import Finding, measure
from data_tools.placing import Way, add_way_options, place
from data_tools.records import read_record, write_json
from data_tools.sides import SIDES, Side, SplitOptions, choose_sides, group
from data_tools.work import add_work_options, failures_of, in_order
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import whole_file
from rssn.imaging.images import files_in, is_image_file
from rssn.imaging.licences import LISTS, Licences

__all__ = ["Split", "SplitOptions", "split"]

RECORD = "split.json"
WANTED = "original/ + mask/, fg/ + alpha/, or RGBA images"


@dataclass(frozen=True)
class Split:
    """Result of a division.

    Attributes:
        sides: Side of each image, by name.
        groups: First name of each image's group, by name.
        failures: One line per unusable file.
    """

    sides: Mapping[str, Side]
    groups: Mapping[str, str]
    failures: tuple[str, ...]

    @property
    def group_sizes(self) -> list[int]:
        """Number of images in each group of more than one."""
        return [count for count in Counter(self.groups.values()).values() if count > 1]


def split(
    folder: Path,
    out: Path,
    options: SplitOptions | None = None,
    way: Way = "hard",
    workers: int | None = None,
    quiet: bool = False,
) -> Split:
    """Divide images with their mattes into `out/train/` and `out/validation/`.

    Each has the folders of `folder`: `original/` + `mask/` (with `fg/` and `trimap/` if they
    exist), `fg/` + `alpha/`, or RGBA images; and `licences.csv` of known licences. `split.json`
    records the sides. Called again after images were added, it does not move the others.

    Args:
        folder: The images.
        out: Folder of the results.
        options: Division of images.
        way: 'hard' links (copies if that is impossible), 'symbolic' links or 'copy'.
        workers: Processes that read images; None takes one per core.
        quiet: Show no progress.

    Raises:
        InputError: The folder holds no images with mattes, all of them belong together, or `out`
            holds something else.
    """
    options = options or SplitOptions()
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"--out {out} is inside {folder}; give a folder beside it")
    items, failures = _find(folder)
    licences = Licences(folder)
    before = _claim(out, options)
    usable = []
    for result in in_order(measure, items, f"compare {folder}", workers, quiet):
        if isinstance(result, Finding):
            failures.append(result.text)
        elif result.matte is None:
            failures.append(f"{result.item.path}: has no matte; give {WANTED}")
        else:
            usable.append(result)
    if not usable:
        raise InputError(f"{folder}: none of its images can be used; see data_tools verify")
    names = [each.item.path.stem for each in usable]
    groups = group(names, find_pairs([each.signature for each in usable]), options.together)
    sides = choose_sides(names, groups, options, before)
    trimaps = {path.stem: path for path in files_in(folder / "trimap")}
    divided = []
    for each, side in zip(usable, sides, strict=True):
        item = each.item
        files = (trimaps.get(item.path.stem), item.colours, item.matte, item.path)
        divided.append(([path.relative_to(folder) for path in files if path is not None], side))
    jobs = [
        (folder / files[-1], partial(_place, folder, out, files, side, way))
        for files, side in divided
    ]
    failures += failures_of(jobs, "split", workers, quiet)
    failures += _left_over(out, folder, items)
    _write_licences(out, folder, licences, divided)
    done = Split(
        dict(zip(names, sides, strict=True)), dict(zip(names, groups, strict=True)), tuple(failures)
    )
    _write_record(out, options, {**before, **done.sides}, done)
    return done


def _find(folder: Path) -> tuple[list[Item], list[str]]:
    """Images with mattes of a folder, and a line for each file without partner."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with {WANTED}")
    items, failures = read_collection(folder)
    items = [item for item in items if item.path.parent != folder / "backgrounds"]
    if not items:
        raise InputError(f"{folder}: holds no image with a matte; give a folder with {WANTED}")
    return items, failures


def _place(folder: Path, out: Path, files: Sequence[Path], side: Side, way: Way) -> None:
    """Put the files of an image, the picture last, in place."""
    (other,) = (each for each in SIDES if each != side)
    for file in files:
        target, old = out / side / file, out / other / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if old.exists():  # its group was joined by images of the other side
            old.replace(target)
        place(folder / file, target, way)


def _left_over(out: Path, folder: Path, items: Sequence[Item]) -> list[str]:
    """A line per image in `out` that is no longer in the folder."""
    known = {item.path.stem for item in items}
    return [
        f"{path}: is no longer in {folder}; remove it here, or restore it there"
        for side in SIDES
        for path in sorted((out / side).rglob("*"))
        if is_image_file(path) and path.stem not in known
    ]


def _write_licences(
    out: Path, folder: Path, licences: Licences, divided: Sequence[tuple[Sequence[Path], Side]]
) -> None:
    for side in SIDES:
        files = sorted(files[-1] for files, own in divided if own == side)
        terms = {file.as_posix(): licences.terms(folder / file) for file in files}
        known = [(file, of.licence, of.source) for file, of in terms.items() if of.licence]
        if known:
            path = out / side / LISTS[0]
            with whole_file(path) as part, part.open("w", encoding="utf-8", newline="") as text:
                csv.writer(text).writerows([("file", "licence", "source"), *known])


def _claim(out: Path, options: SplitOptions) -> dict[str, Side]:
    """Check that a folder is new or holds a split of the same options; its sides by name."""
    held = read_record(out / RECORD, _read_sides)
    if held is None:
        _write_record(out, options, {}, Split({}, {}, ("not finished",)))
        return {}
    found, sides = held
    if found != options:
        raise InputError(
            f"{out}: was divided with {asdict(found)}; give the same options or another --out"
        )
    return sides


def _read_sides(record: dict[str, Any]) -> tuple[SplitOptions, dict[str, Side]]:
    sides: dict[str, Side] = {each["name"]: each["side"] for each in record["images"]}
    if not set(sides.values()) <= set(SIDES):
        raise ValueError(f"a side is none of {SIDES}")
    return SplitOptions(**record["options"]), sides


def _write_record(out: Path, options: SplitOptions, sides: Mapping[str, Side], done: Split) -> None:
    """Write the sides; images that are missing or damaged now keep theirs."""
    content = {
        "options": asdict(options),
        "counts": {side: list(done.sides.values()).count(side) for side in SIDES},
        "images": [
            {"name": name, "side": sides[name], "group": done.groups.get(name, name)}
            for name in sorted(sides)
        ],
        "failures": list(done.failures),
    }
    write_json(out / RECORD, content)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    default = SplitOptions()
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help=WANTED)
    add("--out", type=Path, required=True, metavar="DIR", help="gets train/ and validation/")
    add("--validation", type=float, default=default.validation, metavar="X", help="share (0.2)")
    add("--seed", type=int, default=default.seed, metavar="N", help="of the split (0)")
    together = "images in whose names it finds the same stay together, such as '^[a-z]+'"
    add("--together", metavar="PATTERN", help=together)
    add_way_options(parser)
    add_work_options(parser)


def run(options: argparse.Namespace) -> None:
    """Divide a folder and print the number of images of each side."""
    chosen = SplitOptions(options.validation, options.seed, options.together)
    done = split(options.folder, options.out, chosen, options.way, options.workers, options.quiet)
    for side in SIDES:
        count = list(done.sides.values()).count(side)
        sys.stdout.write(f"{options.out / side}: {count} images\n")
    if sizes := done.group_sizes:
        sys.stdout.write(
            f"{sum(sizes)} of them are kept together in groups of their like, {len(sizes)} in all; "
            f"see {options.out / RECORD}\n"
        )
    if done.failures:
        raise FailedInputs(done.failures)
