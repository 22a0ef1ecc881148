"""Arrangement of the files of a downloaded data set in the uniform folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    """An image with its matte and trimap, and the folder that gets them in those of `FOLDERS`."""

    image: Path
    matte: Path | None
    trimap: Path | None
    target: Path
    holds: Kind

    @property
    def files(self) -> list[tuple[Path, Path]]:
        """Each file with its new place, the image last: where it is, its matte is too."""
        images, mattes = FOLDERS[self.holds]
        parts = ((self.trimap, "trimap"), (self.matte, mattes), (self.image, images))
        return [
            (path, self.target / folder / f"{self.image.stem}{path.suffix}")
            for path, folder in parts
            if path is not None
        ]


def locate(
    layout: Layout, source: Path, split: str | None = None
) -> tuple[Path, dict[str, tuple[Folders, ...]]]:
    """The folder that holds a data set, and the parts of each split that exists in it.

    Raises:
        InputError: None exists.
    """
    names = list(dict.fromkeys(each.name for each in layout.splits))
    if split not in (None, *names):
        raise InputError(
            f"split='{split}' is not one of {layout.title}; choose from {', '.join(names)}"
        )
    if not source.is_dir():
        raise InputError(
            f"--source {source}: no such folder; {layout.title} is from {layout.source}"
        )
    for root in (source, *(source / wrapper for wrapper in layout.wrappers)):
        found: dict[str, tuple[Folders, ...]] = {}
        for each in layout.splits:
            wanted = [folder for part in each.parts for folder in part.required]
            if (
                split in (None, each.name)
                and each.name not in found
                and all((root / folder).is_dir() for folder in wanted)
                and all((root / part.names).is_file() for part in each.parts if part.names)
            ):
                found[each.name] = each.parts
        if found:
            return root, found
    expected = [
        f"{each.name} ({', '.join(f'{f}/' for part in each.parts for f in part.required)})"
        for each in layout.splits
        if split in (None, each.name)
    ]
    raise InputError(
        f"--source {source} does not look like {layout.title}: expected {' or '.join(expected)}, "
        f"found {_tree(source)}"
    )


def plan(
    holds: Kind, root: Path, parts: Sequence[Folders], target: Path
) -> tuple[list[Job], list[str]]:
    """Jobs in the order of their names, and a line for each file that cannot be placed."""
    jobs: dict[str, Job] = {}
    failures: list[str] = []
    for part in parts:
        (mattes, more), (trimaps, others) = (
            files_by_stem(root / folder) if folder else ({}, [])
            for folder in (part.mattes, part.trimaps)
        )
        failures += more + others
        used = set()
        for image in files_in(root / part.images):
            stem, partners = image.stem, part.partners(image.stem)
            if partners is None:
                if part.images != part.mattes and not part.partial:
                    failures.append(f"{image}: its name is not like those of the data set's images")
                continue
            used.add(partners[0])
            if part.mattes is not None and partners[0] not in mattes:
                failures.append(f"{image}: no matte {partners[0]}.* in {root / part.mattes}")
            elif part.trimaps and trimaps and partners[1] not in trimaps:
                failures.append(f"{image}: no trimap {partners[1]}.* in {root / part.trimaps}")
            elif stem in jobs:
                failures.append(f"{image}: shares its name with {jobs[stem].image}; rename one")
            else:
                matte, trimap = mattes.get(partners[0]), trimaps.get(partners[1])
                jobs[stem] = Job(image, matte, trimap, target, holds)
        failures += [
            f"{path}: no image belongs to this matte"
            for stem, path in mattes.items()
            if stem not in used and not (part.images == part.mattes and part.partners(stem))
        ]
    return [jobs[stem] for stem in sorted(jobs)], failures


def _tree(source: Path) -> str:
    """Folders of the first two levels, in words."""
    folders = sorted([*source.glob("*/"), *source.glob("*/*/")])
    shown = [f"{folder.relative_to(source)}/" for folder in folders]
    return some(shown, 12) if shown else "no folders in it"
