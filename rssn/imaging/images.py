"""Types of images and mattes in memory, and the files that hold them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})

ImageFormat = Literal["jpg", "png", "webp"]
Uint8Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Pixels = NDArray[Any]  # as stored: uint8, uint16 or float, BGR order


def image_files(folder: Path) -> list[Path]:
    """Image files directly in a folder, in name order, broken links included.

    Raises:
        InputError: The folder does not exist or holds no image.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    files = files_in(folder)
    if not files:
        suffixes = ", ".join(sorted(SUFFIXES))
        raise InputError(f"{folder}: holds no image; give files ending in {suffixes}")
    return files


def files_in(folder: Path) -> list[Path]:
    """Image files of a folder in name order; none if it is empty or missing."""
    return sorted(filter(is_image_file, folder.iterdir())) if folder.is_dir() else []


def files_by_stem(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Image files of a folder by their names without ending, and a line for each further one."""
    files: dict[str, Path] = {}
    failures = []
    for path in files_in(folder):
        if files.setdefault(path.stem, path) != path:
            failures.append(f"{path}: shares its name with {files[path.stem].name}; rename one")
    return files, failures


def is_image_file(path: Path) -> bool:
    """Return True for a file, or a broken link, with the suffix of an image."""
    return path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink())


def check_size(path: Path, shape: tuple[int, ...], image: tuple[int, ...]) -> None:
    """Raise an `InputError` unless a matte has the height and width of its image, (H, W, ...)."""
    if shape[:2] != image[:2]:
        raise InputError(
            f"{path}: is {shape[1]}x{shape[0]} px, its image {image[1]}x{image[0]}; give both in "
            "one size"
        )


def unit(levels: Pixels) -> Alpha:
    """Levels of a matte, 8 or 16 bits or float, as float32 in [0, 1]."""
    if levels.dtype.kind == "f":
        return np.clip(levels, 0, 1).astype(np.float32)
    return levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)
