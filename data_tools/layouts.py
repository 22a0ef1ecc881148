"""The public data sets as they are downloaded: folders, splits, and pairs of image and matte."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from rssn.imaging.errors import InputError

Kind = Literal["photographs", "foregrounds", "backgrounds", "objects"]

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Folders:
    """Folders of images and of what belongs to them, relative to the data set's folder.

    Attributes:
        images: Folder of the images.
        mattes: Folder of the mattes, which may be the same; None for backgrounds and photographs
            whose mattes are not public.
        trimaps: Folder of published trimaps, if there are any.
        image: Pattern of the whole stem of an image. Its group `name` is inserted into `matte` and
            `trimap`.
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
        """Stems of the matte and the trimap of an image; None if `stem` is not an image's."""
        match = re.fullmatch(self.image, stem)
        if match is None:
            return None
        name = match["name"]
        return self.matte.format(name=name, stem=stem), self.trimap.format(name=name, stem=stem)

    @property
    def required(self) -> tuple[str, ...]:
        """The folders that must exist, each once; trimaps if there are no mattes."""
        other = self.mattes or self.trimaps
        return (self.images,) if other in (None, self.images) else (self.images, other)


@dataclass(frozen=True)
class Split:
    """A part of a data set that is kept apart from the others.

    Attributes:
        name: Its folder below `--out`.
        parts: Its folders, all of which must exist.
    """

    name: str
    parts: tuple[Folders, ...]


@dataclass(frozen=True)
class Layout:
    """A public data set as it is downloaded.

    Attributes:
        name: Its name for `--layout`.
        title: Its name in papers.
        holds: `photographs` have their own background in them, `foregrounds` are colours to
            compose with, `backgrounds` have no matte, and `objects` are photographs whose label
            maps number several objects, each of which becomes a photograph with its mask.
        splits: Its splits. Several of one name are alternatives: the first that exists is taken,
            since copies of a data set are published in more than one order.
        licence: Terms of use.
        source: Site or person that provides it.
        evidence: Grounds of this description.
        wrappers: Folders in which its archives wrap everything.
    """

    name: str
    title: str
    holds: Kind
    splits: tuple[Split, ...]
    licence: str
    source: str
    evidence: str
    wrappers: tuple[str, ...] = ()


@cache
def known_layouts() -> dict[str, Layout]:
    """All layouts by name, from `layouts.toml`."""
    entries: dict[str, dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {name: _layout(name, **entry) for name, entry in entries.items()}


def find_layout(name: str) -> Layout:
    """The layout of that name, in upper or lower case.

    Raises:
        InputError: Unknown name.
    """
    if (found := known_layouts().get(name.lower())) is None:
        raise InputError(f"layout='{name}' is not known; choose from {', '.join(known_layouts())}")
    return found


def _layout(name: str, splits: list[list[Any]], **values: Any) -> Layout:  # noqa: ANN401
    values["wrappers"] = tuple(values.get("wrappers", ()))
    return Layout(name, splits=tuple(_split(*split) for split in splits), **values)


def _split(name: str, *folders: Any) -> Split:  # noqa: ANN401
    if isinstance(folders[0], dict):
        return Split(name, tuple(Folders(**part) for part in folders))
    return Split(name, (Folders(*folders),))
