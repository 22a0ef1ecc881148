"""Foregrounds on disk: photographs or cut-outs, each with its matte."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, Uint8Image, check_size, files_by_stem, image_files
from rssn.imaging.licences import Licences
from rssn.imaging.reading import read_alpha, read_rgb, read_rgba
from rssn.imaging.resizing import resize

Array = TypeVar("Array", bound=NDArray[Any])

LAYOUTS = "original/ and mask/ with the same names, or fg/ and alpha/, or RGBA images"


@dataclass(frozen=True)
class Source:
    """Files of a foreground, or of a background.

    Attributes:
        id: File name, of a foreground without its suffix.
        image: The photograph, the foreground's colours, or the background.
        matte: The matte; the same file as `image` for RGBA, and for a background, which has none.
        is_photograph: The image contains its background: F has to be estimated.
        licence: Of the image, if a list beside it has one.
        origin: Its data set, likewise.
        part: Use of it in a composite.
    """

    id: str
    image: Path
    matte: Path
    is_photograph: bool
    licence: str | None = None
    origin: str | None = None
    part: Literal["foreground", "background"] = "foreground"

    @property
    def files(self) -> tuple[Path, ...]:
        """Image, and matte of a foreground."""
        return (self.image,) if self.part == "background" else (self.image, self.matte)


@dataclass(frozen=True)
class SourcePixels:
    """A foreground in memory.

    Attributes:
        image: uint8 (H, W, 3).
        alpha: float32 (H, W) in [0, 1].
        file_size: Height and width of its files in px, before shrinking.
    """

    image: Uint8Image
    alpha: Alpha
    file_size: tuple[int, int]


def find_sources(folder: Path) -> tuple[list[Source], list[str]]:
    """The foregrounds of a folder, in the order of their ids.

    The folder holds original/ + mask/ (photographs), or fg/ + alpha/ (foreground colours), or
    RGBA images; the first of these that exists counts.

    Returns:
        The foregrounds, and one line per file that has no partner.

    Raises:
        InputError: The folder has none of these layouts or no image, or its list of licences is
            broken.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with {LAYOUTS}")
    sources, failures = _find_layout(folder)
    licences = Licences(folder)
    terms = [licences.terms(source.image) for source in sources]
    known = zip(sources, terms, strict=True)
    return [replace(source, licence=t.licence, origin=t.source) for source, t in known], failures


def find_backgrounds(folder: Path) -> list[Source]:
    """The backgrounds of a folder, in name order.

    Raises:
        InputError: The folder is missing, holds no image, or its list of licences is broken.
    """
    licences = Licences(folder)
    terms = {path: licences.terms(path) for path in image_files(folder)}
    return [
        Source(path.name, path, path, True, found.licence, found.source, "background")
        for path, found in terms.items()
    ]


def _find_layout(folder: Path) -> tuple[list[Source], list[str]]:
    for images, mattes in (("original", "mask"), ("fg", "alpha")):
        if (folder / images).is_dir():
            return _pairs(folder / images, folder / mattes, is_photograph=images == "original")
    cutouts, failures = files_by_stem(folder)
    if not cutouts and not failures:
        raise InputError(f"{folder}: holds no foreground; give {LAYOUTS}")
    return [Source(id, path, path, False) for id, path in sorted(cutouts.items())], failures


def read_source(source: Source, shorter_side: int | None) -> SourcePixels:
    """Read a foreground, shrunk to `shorter_side` px on its shorter side (never enlarged).

    The colours of a cut-out are shrunk with alpha as weight, so that colours outside the object do
    not bleed into it. Alpha is rounded to 8 bits, as shards store it: the matte of a sample is
    exactly the one it was blended with.

    Raises:
        InputError: A file cannot be read, the sizes differ, or alpha is 0 everywhere.
    """
    if source.image == source.matte:
        image, alpha = read_rgba(source.image)
    else:
        image, alpha = read_rgb(source.image), read_alpha(source.matte)
    check_size(source.matte, alpha.shape, image.shape)
    small = shrink(alpha, shorter_side)
    levels = np.rint(small * 255)
    if not levels.any():
        raise InputError(f"{source.matte}: alpha is 0 everywhere; remove it or give its matte")
    if source.is_photograph or small is alpha:
        image = shrink(image, shorter_side)
    else:
        image = _shrink_weighted(image, alpha, small, shorter_side)
    return SourcePixels(image, (levels / 255).astype(np.float32), alpha.shape)


def shrink(image: Array, shorter_side: int | None) -> Array:
    """Resize by area averaging to `shorter_side` px on the shorter side; smaller ones stay."""
    height, width = image.shape[:2]
    if shorter_side is None or min(height, width) <= shorter_side:
        return image
    scale = shorter_side / min(height, width)
    return resize(image, (max(1, round(height * scale)), max(1, round(width * scale))))


def _shrink_weighted(
    image: Uint8Image, alpha: Alpha, small: Alpha, shorter_side: int | None
) -> Uint8Image:
    colours = shrink(image, shorter_side).astype(np.float32)
    weighted = shrink(image * alpha[..., None], shorter_side)
    inside = small > 0
    colours[inside] = weighted[inside] / small[inside, None]
    rounded: Uint8Image = np.rint(colours.clip(0, 255)).astype(np.uint8)
    return rounded


def _pairs(images: Path, mattes: Path, is_photograph: bool) -> tuple[list[Source], list[str]]:
    if not mattes.is_dir():
        raise InputError(f"{mattes}: no such folder; put the mattes of {images} there")
    pictures, failures = files_by_stem(images)
    alphas, more = files_by_stem(mattes)
    failures += more
    kind = "photograph" if is_photograph else "foreground"
    for stem in sorted(pictures.keys() - alphas.keys()):
        failures.append(f"{pictures[stem]}: {kind} without a matte in {mattes}")
    for stem in sorted(alphas.keys() - pictures.keys()):
        failures.append(f"{alphas[stem]}: matte without a {kind} in {images}")
    both = sorted(pictures.keys() & alphas.keys())
    if not both and not failures:
        raise InputError(f"{images} and {mattes.name}/: hold no image; give {LAYOUTS}")
    return [Source(stem, pictures[stem], alphas[stem], is_photograph) for stem in both], failures
