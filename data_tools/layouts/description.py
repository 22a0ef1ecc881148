"""What a downloaded data set looks like: folders, splits, and how images find their mattes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rssn.imaging.errors import InputError

Kind = Literal["photographs", "foregrounds", "backgrounds", "objects"]


@dataclass(frozen=True)
class Folders:
    """Folders of images and of what belongs to them, relative to the data set's folder.

    Attributes:
        images: Folder of the images.
        mattes: Folder of the mattes, which may be the same; None for backgrounds and
            photographs whose mattes are kept back.
        trimaps: Folder of published trimaps; taken along where it is there.
        image: Pattern that the whole stem of an image matches. What its group `name` matches, goes
            into `matte` and `trimap`.
        matte: Stem of the image's matte.
        trimap: Stem of the image's trimap; without a `{name}` of its own, the image's stem.
        names: File that lists the stems of these images, one per line; None takes all.
        partial: Images whose stems do not match are no part of this data set.
    """

    images: str
    mattes: str | None = None
    trimaps: str | None = None
    image: str = "(?P<name>.+)"
    matte: str = "{name}"
    trimap: str = "{stem}"
    names: str | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        if "name" not in re.compile(self.image).groupindex:
            raise InputError(f"image={self.image!r} has no group (?P<name>...); give it one")

    def partners(self, stem: str) -> tuple[str, str] | None:
        """The stems of the matte and the trimap of an image; None where `stem` is no image's."""
        match = re.fullmatch(self.image, stem)
        if match is None:
            return None
        name = match["name"]
        return self.matte.format(name=name, stem=stem), self.trimap.format(name=name, stem=stem)

    @property
    def required(self) -> tuple[str, ...]:
        """The folders that have to be there, each once; trimaps where there are no mattes."""
        other = self.mattes or self.trimaps
        return (self.images,) if other in (None, self.images) else (self.images, other)


@dataclass(frozen=True)
class Split:
    """A part of a data set that is kept apart from the others.

    Attributes:
        name: Its folder below `--out`.
        parts: Its folders, all of which have to be there.
    """

    name: str
    parts: tuple[Folders, ...]


@dataclass(frozen=True)
class Layout:
    """A public data set as it is downloaded.

    Attributes:
        name: What `--layout` takes.
        title: Its name in papers.
        holds: `photographs` have their own background in them, `foregrounds` are colours to
            compose with, `backgrounds` have no matte, and `objects` are photographs whose label
            maps number several objects, each of which becomes a photograph with its mask.
        splits: Its splits. Several of one name are alternatives, of which the first that is there
            is taken: copies of a data set go round in more than one order.
        licence: What its users have to know.
        source: Where one gets it, or whom one asks.
        evidence: What this description rests on.
        wrappers: Folders that its archives wrap everything in.
    """

    name: str
    title: str
    holds: Kind
    splits: tuple[Split, ...]
    licence: str
    source: str
    evidence: str
    wrappers: tuple[str, ...] = ()

    @property
    def split_names(self) -> list[str]:
        """The names of the splits, each once."""
        return list(dict.fromkeys(split.name for split in self.splits))
