"""Files damaged as disks, networks and people damage them; the same generator, the same damage."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
# What a length, an offset or a side is least expected to be.
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Random = np.random.Generator


def mutate(data: bytes, rng: Random, other: bytes = b"") -> bytes:
    """A damaged copy of a file, never the file itself.

    Args:
        data: The file.
        rng: Decides the kind of damage and its place.
        other: A file of another kind, whose end may replace this one's.
    """
    ways = [*WAYS.values()] if other else [way for way in WAYS.values() if way is not _splice]
    while True:
        changed = ways[int(rng.integers(len(ways)))](data, rng, other)
        if changed != data:
            return changed


def flip_bits(data: bytes, rng: Random, other: bytes = b"") -> bytes:
    """One to eight bits the other way round."""
    changed = bytearray(data)
    for place in rng.integers(len(data), size=int(rng.integers(1, 9))):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut_short(data: bytes, rng: Random, other: bytes = b"") -> bytes:
    """Only so many bytes of the beginning."""
    return data[: int(rng.integers(len(data)))]


def mend_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums again, so that a reader gets past them."""
    if not data.startswith(PNG_HEAD):
        return data
    mended, position = bytearray(data), len(PNG_HEAD)
    while position + 12 <= len(data):
        end = position + 8 + int.from_bytes(data[position : position + 4], "big")
        if end + 4 > len(data):
            break
        mended[end : end + 4] = struct.pack(">I", zlib.crc32(data[position + 4 : end]))
        position = end + 4
    return bytes(mended)


def _overwrite(data: bytes, rng: Random, other: bytes) -> bytes:
    begin, end = _stretch(data, rng)
    value = int(rng.integers(3))
    filling = rng.bytes(end - begin) if value == 2 else bytes([0xFF * value]) * (end - begin)
    return data[:begin] + filling + data[end:]


def _double(data: bytes, rng: Random, other: bytes) -> bytes:
    begin, end = _stretch(data, rng)
    return data[:end] + data[begin:end] + data[end:]


def _remove(data: bytes, rng: Random, other: bytes) -> bytes:
    begin, end = _stretch(data, rng)
    return data[:begin] + data[end:]


def _swap(data: bytes, rng: Random, other: bytes) -> bytes:
    begin, end = _stretch(data, rng)
    middle = int(rng.integers(begin, end))
    return data[:begin] + data[middle:end] + data[begin:middle] + data[end:]


def _field(data: bytes, rng: Random, other: bytes) -> bytes:
    """A number of a head or a directory made extreme; half of the PNGs get new checksums."""
    places = list(_heads(data))
    begin = places[int(rng.integers(len(places)))] + int(rng.integers(24))
    size = int(rng.choice([1, 2, 4]))
    value = EXTREMES[int(rng.integers(len(EXTREMES)))] % 256**size
    changed = (
        data[:begin] + value.to_bytes(size, rng.choice(["big", "little"])) + data[begin + size :]
    )
    return mend_checksums(changed) if rng.random() < 0.5 else changed


def _splice(data: bytes, rng: Random, other: bytes) -> bytes:
    return data[: int(rng.integers(1, len(data)))] + other[int(rng.integers(len(other))) :]


WAYS: dict[str, Callable[[bytes, Random, bytes], bytes]] = {
    "flip": flip_bits,
    "cut": cut_short,
    "overwrite": _overwrite,
    "double": _double,
    "remove": _remove,
    "swap": _swap,
    "field": _field,
    "splice": _splice,
}


def _stretch(data: bytes, rng: Random) -> tuple[int, int]:
    begin = int(rng.integers(len(data)))
    return begin, min(len(data), begin + int(rng.integers(1, 200)))


def _heads(data: bytes) -> Iterator[int]:
    """Offsets of heads: of the file, of PNG chunks and JPEG segments, a TIFF's directory."""
    yield 0
    if data.startswith(PNG_HEAD):
        yield from range(8, 80, 8)
    if data.startswith(b"\xff\xd8"):
        yield from (place for place in range(len(data) - 1) if _begins_segment(data, place))
    if data[:2] in (b"II", b"MM"):
        directory = int.from_bytes(data[4:8], "little" if data[:2] == b"II" else "big")
        yield from range(directory, min(directory + 150, len(data)), 12)


def _begins_segment(data: bytes, place: int) -> bool:
    return data[place] == 0xFF and data[place + 1] in (0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE1)
