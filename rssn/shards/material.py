"""Training pictures in one file: photographs with mattes, cut-outs, backgrounds.

The file is a tar that WebDataset reads as well. Pictures have the size that training needs; each
has its matte, source and licence, so that a model file can name its training data.
"""

from __future__ import annotations

import functools
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file
from rssn.imaging.hashing import picture_hash, thumbnail
from rssn.imaging.images import Alpha, Pixels, Uint8Image
from rssn.imaging.reading import Reduction, decode_levels, decode_rgb
from rssn.imaging.writing import encode
from rssn.shards.tars import add_member

Kind = Literal["photograph", "cutout", "background"]
Encoding = Literal["jpg", "webp"]


class Picture(NamedTuple):
    """One picture of the material.

    Attributes:
        key: Its name, unique in the file.
        kind: A photograph has a matte and its own background; a cut-out has a matte and colours
            that continue beyond it; a background has no matte.
        source: Its data set.
        licence: Its terms of use.
        size: Height and width in px.
    """

    key: str
    kind: Kind
    source: str
    licence: str
    size: tuple[int, int]


class MaterialWriter:
    """Writer of pictures to an open tar; see `create_material`."""

    def __init__(
        self, tar: tarfile.TarFile, encoding: Encoding, quality: int, levels: int = 256
    ) -> None:
        self._tar, self._encoding, self._quality, self._levels = tar, encoding, quality, levels
        self._keys: set[str] = set()

    def add(self, picture: Picture, image: Uint8Image, alpha: Alpha | None = None) -> None:
        """Add a picture (H, W, 3), uint8, and its matte (H, W) in [0, 1]; backgrounds have none."""
        if picture.key in self._keys:
            raise InputError(f"{picture.key}: is in the material twice; rename one")
        if not picture.licence.strip():
            raise InputError(
                f"{picture.key}: has no licence; name it in the collection's list.csv, or leave "
                "the picture out"
            )
        if (alpha is None) != (picture.kind == "background"):
            raise InputError(f"{picture.key}: is a {picture.kind}; only backgrounds lack a matte")
        if alpha is not None and not alpha.any():
            raise InputError(f"{picture.key}: its matte is 0 everywhere; leave the picture out")
        self._keys.add(picture.key)
        name = f"{len(self._keys) - 1:06d}"
        if alpha is not None:
            steps = self._levels - 1
            kept = np.rint(np.rint(alpha * steps) * (255 / steps))
            best = [cv2.IMWRITE_PNG_COMPRESSION, 9]
            add_member(self._tar, f"{name}.alpha.png", encode(".png", kept.astype(np.uint8), best))
        flag = cv2.IMWRITE_JPEG_QUALITY if self._encoding == "jpg" else cv2.IMWRITE_WEBP_QUALITY
        pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        data = encode(f".{self._encoding}", pixels, [flag, self._quality])
        add_member(self._tar, f"{name}.image.{self._encoding}", data)
        add_member(
            self._tar, f"{name}.json", json.dumps(picture._asdict(), sort_keys=True).encode()
        )


@contextmanager
def create_material(
    path: Path, encoding: Encoding = "jpg", quality: int = 92, levels: int = 256
) -> Iterator[MaterialWriter]:
    """Write a file of material atomically.

    Args:
        path: The `.tar`.
        encoding: Of the colours; WebP takes half of the space and twice the time to decode.
        quality: Of the colours, 1 to 100.
        levels: Steps of the mattes, 2 to 256; 256 keeps 8 bits, 16 take a third of the space.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part, tarfile.open(part, "w") as tar:
        yield MaterialWriter(tar, encoding, quality, levels)


class Material:
    """A file of `create_material`, read at random; processes that fork may share it."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._parts: list[dict[str, tuple[int, int]]] = []  # offset and length by extension
        try:
            with tarfile.open(self.path) as tar:
                self._read_index(tar)
            records = [
                json.loads(self._bytes(number, "json")) for number in range(len(self._parts))
            ]
            self.pictures = [Picture(**{**each, "size": tuple(each["size"])}) for each in records]
        except FileNotFoundError:
            raise InputError(
                f"{self.path}: no such file; scripts/lite_material.py makes one"
            ) from None
        except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{self.path}: is not a file of material ({type(error).__name__}: {error}); make "
                "it again with scripts/lite_material.py"
            ) from None
        if not self.pictures:
            raise InputError(f"{self.path}: holds no picture; make it again")

    def __len__(self) -> int:
        return len(self.pictures)

    def image(self, number: int, reduced: Reduction = 1) -> Uint8Image:
        """The colours of a picture (H, W, 3), at 1/`reduced` of its size."""
        extension = next(key for key in self._parts[number] if key.startswith("image."))
        return decode_rgb(self._bytes(number, extension), self._name(number), reduced)

    def levels(self, number: int) -> Pixels:
        """The matte of a picture (H, W), uint8."""
        return decode_levels(self._bytes(number, "alpha.png"), self._name(number))

    @functools.cached_property
    def hashes(self) -> dict[str, NDArray[np.uint64]]:
        """By source, the perceptual hashes of its pictures in rising order, without flat ones.

        Takes 3 ms per picture, once.
        """
        found: dict[str, set[int]] = {}
        for number, picture in enumerate(self.pictures):
            image = self.image(number, 2)
            if thumbnail(image) is not None:
                found.setdefault(picture.source, set()).add(picture_hash(image).straight)
        return {source: np.array(sorted(each), np.uint64) for source, each in found.items()}

    def sources(self) -> list[tuple[str, str, int]]:
        """Source, licence and count of all pictures, the most frequent first."""
        counts = Counter((each.source, each.licence) for each in self.pictures)
        return [(*of, count) for of, count in counts.most_common()]

    def _name(self, number: int) -> str:
        return f"{self.path}: {self.pictures[number].key}"

    def _read_index(self, tar: tarfile.TarFile) -> None:
        for member in tar:
            stem, _, extension = member.name.partition(".")
            if not stem.isdigit() or int(stem) not in (len(self._parts) - 1, len(self._parts)):
                raise ValueError(f"unexpected member {member.name}")
            if int(stem) == len(self._parts):
                self._parts.append({})
            self._parts[-1][extension] = (member.offset_data, member.size)

    def _bytes(self, number: int, extension: str) -> bytes:
        offset, length = self._parts[number][extension]
        with self.path.open("rb") as file:
            data = os.pread(file.fileno(), length, offset)
        if len(data) < length:
            raise InputError(f"{self.path}: is cut off; make it again")
        return data
