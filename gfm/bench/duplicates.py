"""Photographs of a comparison that a model may have been trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rssn.imaging.hashing import PictureHash, picture_hash, thumbnail
from rssn.imaging.images import Uint8Image

DISTANCE = 8
"""Most bits of 64 that a near-duplicate differs in. Between 23 photographs and the 3,053 training
pictures of `lite`, none of which they are, the least is 12."""


class Seen(NamedTuple):
    """A photograph that is nearly a training picture of a source, by so many bits of 64."""

    photograph: str
    source: str
    bits: int
    mirrored: bool


def hash_of(image: Uint8Image) -> PictureHash | None:
    """The hash of a photograph; None where it shows nothing."""
    return None if thumbnail(image) is None else picture_hash(image)


def find_seen(
    photographs: Mapping[str, PictureHash | None],
    hashes: Mapping[str, NDArray[np.uint64]],
) -> Sequence[Seen]:
    """The photographs whose hash is near one of the training pictures', by the nearest.

    Args:
        photographs: Hashes by name.
        hashes: Of the training pictures by source, as a model holds them.
    """
    found = []
    for name, both in photographs.items():
        nearest = [
            Seen(name, source, int(np.bitwise_count(values ^ np.uint64(one)).min()), mirrored)
            for source, values in hashes.items()
            if both is not None and values.size
            for one, mirrored in ((both.straight, False), (both.mirrored, True))
        ]
        least = min(nearest, key=lambda seen: seen.bits, default=None)
        if least is not None and least.bits <= DISTANCE:
            found.append(least)
    return found
