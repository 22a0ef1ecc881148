"""Folders of images and mattes in the uniform layout, as one list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rssn.build.sources import find_sources
from rssn.imaging.errors import InputError
from rssn.imaging.images import files_in, image_files, is_image_file

ItemKind = Literal["photograph", "foreground", "image"]
LAYOUTS = "original/ + mask/, fg/ + alpha/, backgrounds/, or images"


@dataclass(frozen=True)
class Item:
    """An image of a collection.

    Attributes:
        path: Its file.
        kind: A 'photograph' or a 'foreground' has a matte; an 'image' is a cut-out if its file has
            an alpha channel, otherwise a background.
        matte: The matte's file.
        colours: File of foreground colours beside a photograph.
    """

    path: Path
    kind: ItemKind
    matte: Path | None = None
    colours: Path | None = None


def find_collections(folder: Path) -> list[Path]:
    """The folder itself, or its subfolders that hold collections, such as splits."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    if _is_collection(folder):
        return [folder]
    found = sorted(path for path in folder.iterdir() if path.is_dir() and _is_collection(path))
    if not found:
        raise InputError(f"{folder}: holds no images; give a folder with {LAYOUTS}")
    return found


def read_collection(folder: Path) -> tuple[list[Item], list[str]]:
    """Items of a folder in the order of their names, and a line for each without partner."""
    items: list[Item] = []
    failures: list[str] = []
    if any((folder / name).is_dir() for name in ("original", "fg")):
        sources, failures = find_sources(folder)
        colours = {path.stem: path for path in files_in(folder / "fg")}
        items += [
            Item(source.image, "photograph", source.matte, colours.get(source.id))
            if source.is_photograph
            else Item(source.image, "foreground", source.matte)
            for source in sources
        ]
    items += [Item(path, "image") for path in files_in(folder / "backgrounds")]
    if not items and not failures:
        items = [Item(path, "image") for path in image_files(folder)]
    return items, failures


def _is_collection(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in ("original", "fg", "backgrounds")) or any(
        is_image_file(path) for path in folder.iterdir()
    )
