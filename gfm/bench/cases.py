"""Photographs with true mattes that methods are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.trimap_files import read_trimap
from rssn.build.sources import Source, find_sources, read_source, shrink
from rssn.imaging.blending import blend
from rssn.imaging.errors import InputError
from rssn.imaging.images import SUFFIXES, Alpha, Uint8Image, image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.resizing import resize
from rssn.route.backgrounds import cover_crop

CENTRE = (0.5, 0.5)


@dataclass(frozen=True)
class Pixels:
    """A case in memory, of height H and width W.

    Attributes:
        image: The photograph, uint8 RGB (H, W, 3).
        alpha: Its true matte (H, W) in [0, 1].
        trimap: uint8 (H, W) of 0, 128 and 255; None where there is none.
        colours: True colours of the object, uint8 RGB (H, W, 3); None where they are not known.
    """

    image: Uint8Image
    alpha: Alpha
    trimap: NDArray[np.uint8] | None
    colours: Uint8Image | None


@dataclass(frozen=True)
class Case:
    """A photograph and its true matte on disk.

    Attributes:
        source: Their files.
        trimap: Of its trimap.
        colours: Of the object's true colours.
        background: That a cut-out is put on.
        side: Shorter side in px that it is shrunk to; None keeps its size.
    """

    source: Source
    trimap: Path | None = None
    colours: Path | None = None
    background: Path | None = None
    side: int | None = None

    @property
    def name(self) -> str:
        """The name of its file, without the suffix."""
        return self.source.id

    @property
    def is_coloured(self) -> bool:
        """Return True where the object's true colours are known."""
        return self.colours is not None or not self.source.is_photograph

    def read(self) -> Pixels:
        """Read it.

        Raises:
            InputError: A file cannot be read, or does not fit the photograph.
        """
        pixels = read_source(self.source, self.side)
        image, size = pixels.image, (pixels.alpha.shape[0], pixels.alpha.shape[1])
        colours = None
        if self.background is not None:
            colours = image
            behind = cover_crop(read_rgb(self.background), *size, CENTRE)
            image = blend(pixels.alpha, colours, behind)
        elif self.colours is not None:
            colours = shrink(read_rgb(self.colours), self.side)
            if colours.shape != image.shape:
                raise InputError(
                    f"{self.colours}: is {colours.shape[1]}x{colours.shape[0]} px, the photograph "
                    f"{size[1]}x{size[0]}; give colours of the photograph's size"
                )
        trimap = None
        if self.trimap is not None:
            trimap = read_trimap(self.trimap, pixels.file_size)
            trimap = resize(trimap, size, "nearest", "nearest")
        return Pixels(image, pixels.alpha, trimap, colours)


def find_cases(
    folder: Path, side: int | None = None, backgrounds: Path | None = None
) -> tuple[list[Case], list[str]]:
    """The cases of a folder in the order of their names, and a line for each file without partner.

    Args:
        folder: As for `find_sources`. Beside `original/` and `mask/` there may be `trimap/`, and
            `fg/` with the object's true colours, of the same names.
        side: Shorter side in px that all are shrunk to.
        backgrounds: Folder of pictures that cut-outs are put on.

    Raises:
        InputError: No photograph with a matte, or cut-outs without backgrounds.
    """
    if side is not None and side < 1:
        raise InputError(f"--side {side}: give a shorter side in px, such as 1080")
    sources, failures = find_sources(folder)
    if not sources:
        raise InputError(
            f"{folder}: no photograph has a matte; give original/ and mask/ with the same names"
        )
    if sources[0].is_photograph:
        if backgrounds is not None:
            raise InputError(
                f"--backgrounds: {folder} holds photographs with backgrounds of their own; leave "
                "it out"
            )
        trimaps, colours = _by_stem(folder / "trimap"), _by_stem(folder / "fg")
        return [
            Case(s, trimaps.get(s.id), colours.get(s.id), None, side) for s in sources
        ], failures
    if backgrounds is None:
        raise InputError(
            f"{folder}: holds cut-outs without backgrounds; give --backgrounds DIR to put them on"
        )
    behind: Sequence[Path] = image_files(backgrounds)
    return [
        Case(source, background=behind[number % len(behind)], side=side)
        for number, source in enumerate(sources)
    ], failures


def _by_stem(folder: Path) -> dict[str, Path]:
    """The pictures of a folder that may not be there."""
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return {path.stem: path for path in files}
