"""Arrangement of the files of a downloaded data set in the uniform folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data_tools.layouts import Folders, Kind, Layout
from rssn.imaging.errors import InputError, some
from rssn.imaging.images import files_by_stem, files_in

FOLDERS: dict[Kind, tuple[str, str]] = {
    "photographs": ("original", "mask"),
    "foregrounds": ("fg", "alpha"),
    "backgrounds": ("backgrounds", ""),
    "objects": ("original", "mask"),
}


@dataclass(frozen=True)
class Job:
    """An image with its matte and trimap, each with its path now and its new one."""

    image: tuple[Path, Path]
    matte: tuple[Path, Path] | None = None
    trimap: tuple[Path, Path] | None = None

    @property
    def files(self) -> list[tuple[Path, Path]]:
        """All pairs, the image last: where it is, its matte is too."""
        return [pair for pair in (self.trimap, self.matte, self.image) if pair is not None]


def locate(layout: Layout, source: Path, split: str | None = None) -> dict[str, list[Folders]]:
    """Existing folders of each split, as whole paths; an `InputError` if there are none."""
    if split is not None and split not in layout.split_names:
        raise InputError(
            f"split='{split}' is not one of {layout.title}; choose from "
            f"{', '.join(layout.split_names)}"
        )
    if not source.is_dir():
        raise InputError(
            f"--source {source}: no such folder; {layout.title} is from {layout.source}"
        )
    for root in (source, *(source / wrapper for wrapper in layout.wrappers)):
        found: dict[str, list[Folders]] = {}
        for each in layout.splits:
            wanted = [folder for part in each.parts for folder in part.required]
            if (
                split in (None, each.name)
                and each.name not in found
                and all((root / folder).is_dir() for folder in wanted)
                and all((root / part.names).is_file() for part in each.parts if part.names)
            ):
                found[each.name] = [_below(root, part) for part in each.parts]
        if found:
            return found
    expected = [
        f"{each.name} ({', '.join(f'{f}/' for part in each.parts for f in part.required)})"
        for each in layout.splits
        if split in (None, each.name)
    ]
    raise InputError(
        f"--source {source} does not look like {layout.title}: expected {' or '.join(expected)}, "
        f"found {_tree(source)}"
    )


def plan(holds: Kind, parts: Sequence[Folders], target: Path) -> tuple[list[Job], list[str]]:
    """Jobs in the order of their names, and a line for each file that cannot be placed."""
    jobs: dict[str, Job] = {}
    failures: list[str] = []
    for part in parts:
        (mattes, more), (trimaps, others) = (
            files_by_stem(Path(folder)) if folder else ({}, [])
            for folder in (part.mattes, part.trimaps)
        )
        failures += more + others
        used = set()
        for image in files_in(Path(part.images)):
            stem, partners = image.stem, part.partners(image.stem)
            if partners is None:
                if part.images != part.mattes and not part.partial:
                    failures.append(f"{image}: its name is not like those of the data set's images")
                continue
            used.add(partners[0])
            if part.mattes is not None and partners[0] not in mattes:
                failures.append(f"{image}: no matte {partners[0]}.* in {part.mattes}")
            elif trimaps and partners[1] not in trimaps:
                failures.append(f"{image}: no trimap {partners[1]}.* in {part.trimaps}")
            elif stem in jobs:
                failures.append(f"{image}: shares its name with {jobs[stem].image[0]}; rename one")
            else:
                jobs[stem] = _job(
                    holds, target, image, mattes.get(partners[0]), trimaps.get(partners[1])
                )
        failures += [
            f"{path}: no image belongs to this matte"
            for stem, path in mattes.items()
            if stem not in used and not (part.images == part.mattes and part.partners(stem))
        ]
    if not jobs and not failures:
        raise InputError(f"{parts[0].images}: holds no image; is the download complete?")
    return [jobs[stem] for stem in sorted(jobs)], failures


def _job(holds: Kind, target: Path, image: Path, matte: Path | None, trimap: Path | None) -> Job:
    images, mattes = FOLDERS[holds]
    return Job(
        (image, target / images / image.name),
        None if matte is None else (matte, target / mattes / f"{image.stem}{matte.suffix}"),
        None if trimap is None else (trimap, target / "trimap" / f"{image.stem}{trimap.suffix}"),
    )


def _below(root: Path, part: Folders) -> Folders:
    return replace(
        part,
        images=str(root / part.images),
        mattes=part.mattes and str(root / part.mattes),
        trimaps=part.trimaps and str(root / part.trimaps),
        names=part.names and str(root / part.names),
    )


def _tree(source: Path) -> str:
    """Folders of the first two levels, in words."""
    folders = sorted([*source.glob("*/"), *source.glob("*/*/")])
    shown = [f"{folder.relative_to(source)}/" for folder in folders]
    return some(shown, 12) if shown else "no folders in it"
