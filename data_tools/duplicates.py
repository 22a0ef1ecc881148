"""Images that are the same: by their bytes, or by their content.

Near-duplicates are found by a 64-bit hash (`rssn.imaging.hashing`) and confirmed by comparing
thumbnails. `docs/experiments.md` has the measured rates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.hashing import THUMBNAIL, picture_hash, thumbnail
from rssn.imaging.images import Uint8Image

DISTANCE = 10  # bits of 64
SIMILARITY = 0.9  # correlation of the thumbnails
CHUNK = 256  # rows of distances at a time: 40 MB for 20,000 images

Likeness = Literal["exact", "near", "mirrored"]
IN_WORDS: dict[Likeness, str] = {
    "exact": "the same file as",
    "near": "nearly",
    "mirrored": "a mirror image of",
}


@dataclass(frozen=True)
class Signature:
    """Features for comparing two images.

    Attributes:
        digest: Of the file's bytes.
        hash: Signs of 64 low frequencies, as a number.
        mirrored: The same of the image turned left to right.
        thumbnail: uint8 RGB of 16x16 px, as hexadecimal digits; empty if the image shows nothing.
    """

    digest: str
    hash: int
    mirrored: int
    thumbnail: str


@dataclass(frozen=True)
class Pair:
    """Two images, by their numbers, that are the same; `first` is smaller."""

    first: int
    second: int
    likeness: Likeness


def digest_of(path: Path) -> str:
    """A digest of a file's bytes, as 32 hexadecimal digits."""
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def signature(image: Uint8Image, digest: str) -> Signature:
    """The signature of an image, uint8 RGB (H, W, 3), whose file has this digest."""
    small = thumbnail(image)
    return Signature(digest, *picture_hash(image), "" if small is None else small.tobytes().hex())


def find_pairs(signatures: Sequence[Signature]) -> list[Pair]:
    """All pairs of images that are the same, in the order of the second, then of the first.

    An exact copy is paired with the first of its bytes only, and is not searched for near-
    duplicates.
    """
    firsts: dict[str, int] = {}
    pairs = []
    for number, each in enumerate(signatures):
        first = firsts.setdefault(each.digest, number)
        if first != number:
            pairs.append(Pair(first, number, "exact"))
    unique = [number for number in firsts.values() if signatures[number].thumbnail]
    pairs += _near(signatures, np.array(unique, np.int64))
    return sorted(pairs, key=lambda pair: (pair.second, pair.first))


def repeated(pairs: Sequence[Pair]) -> dict[int, Pair]:
    """The images to drop, each with the pair of the image that is kept.

    Of images that are the same the first is kept; an image like a dropped one only stays.
    """
    dropped: dict[int, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: (pair.second, pair.first)):
        if pair.first not in dropped:
            dropped.setdefault(pair.second, pair)
    return dropped


def _near(signatures: Sequence[Signature], numbers: NDArray[np.int64]) -> list[Pair]:
    straight = np.array([signatures[n].hash for n in numbers], np.uint64)
    mirrored = np.array([signatures[n].mirrored for n in numbers], np.uint64)
    pairs = []
    for begin in range(0, len(numbers), CHUNK):
        rows = straight[begin : begin + CHUNK, None]
        distance = np.bitwise_count(rows ^ straight[begin:])
        turned = np.bitwise_count(rows ^ mirrored[begin:])
        upper = np.arange(distance.shape[1]) > np.arange(len(rows))[:, None]
        for row, column in np.argwhere(upper & (np.minimum(distance, turned) <= DISTANCE)):
            likeness: Likeness = (
                "near" if distance[row, column] <= turned[row, column] else "mirrored"
            )
            first, second = int(numbers[begin + row]), int(numbers[begin + column])
            if _similarity(signatures[first], signatures[second], likeness) >= SIMILARITY:
                pairs.append(Pair(first, second, likeness))
    return pairs


def _similarity(first: Signature, second: Signature, likeness: Likeness) -> float:
    """Correlation of the thumbnails, blind to brightness, contrast and a cast of colour."""
    one, other = _thumbnail(first), _thumbnail(second)
    if likeness == "mirrored":
        other = other[:, ::-1]
    one, other = one - one.mean((0, 1)), other - other.mean((0, 1))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def _thumbnail(each: Signature) -> NDArray[np.float64]:
    levels = np.frombuffer(bytes.fromhex(each.thumbnail), np.uint8).reshape(THUMBNAIL, THUMBNAIL, 3)
    return levels.astype(np.float64)
