"""A part of a JPEG without decoding the rest of it.

Entropy decoding takes most of a JPEG's time, also where it is decoded at reduced size, and it has
to run from one restart marker to the next. Where all colours are stored in full the stretch between
two markers, an interval, is a run of 8x8 blocks that depends on nothing else: intervals of any
rows, joined, are a JPEG of their own once its header says how wide and high it is. An interval need
not begin where a row of blocks does, so each row of the joined ones may be shifted, which is undone
after decoding. JPEG: ITU-T T.81, annex B.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 8  # px; also the unit of a scan, since all colours are stored in full
INTERVAL = 12  # blocks; 24 save 0.7 % of a photograph's bytes and take 9 % longer for a crop

_SIZE, _SCAN, _RESTART, _FIRST, _END = 0xC0, 0xDA, 0xDD, 0xD0, 0xD9
_IN_FULL = 0x11  # samples of a colour, across and down, for each pixel
_HARMLESS = {0xE0, 0xDB, 0xC4}  # JFIF, quantisation and Huffman tables
_LONGEST = 65535  # px; sides of a JPEG
_CYCLE = 8  # restart markers count to 7 and begin again


class Area(NamedTuple):
    """A rectangle of a picture in px."""

    top: int
    left: int
    height: int
    width: int


class Part(NamedTuple):
    """Some intervals of a picture as a JPEG.

    Attributes:
        data: The JPEG.
        area: The area of the picture in it; begins at multiples of 8 px.
        shifts: Begin of the area in the decoded JPEG for each row of blocks, in blocks.
        size: Height and width of the whole picture, in px.
    """

    data: bytearray
    area: Area
    shifts: NDArray[np.intp]
    size: tuple[int, int]


class _Header(NamedTuple):
    size: tuple[int, int]  # px
    size_at: int  # first byte of height and width in the file
    interval: int  # blocks
    scan: int  # first byte of the entropy-coded data


def cut_part(data: bytes, area: Area) -> Part | None:
    """Cut those intervals of a JPEG that an area of it needs, enlarged to whole blocks.

    Decoded, at full or reduced size, its blocks equal those of the whole picture to the last bit.
    None if the picture has no restart markers, does not store its colours in full or is no such
    JPEG at all, or if the area needs a short last interval.
    """
    header = _read_header(data)
    if header is None or not data.endswith(bytes((0xFF, _END))):
        return None
    if any(
        begin < 0 or length < 1 or begin + length > side
        for side, begin, length in zip(header.size, area[:2], area[2:], strict=True)
    ):
        return None
    rows, columns = (-(-side // BLOCK) for side in header.size)
    bounds = _bounds(data, header.scan)
    if len(bounds) - 1 != -(-rows * columns // header.interval):
        return None
    top, left = area.top // BLOCK, area.left // BLOCK
    bottom, right = (-(-(begin + side) // BLOCK) for begin, side in (area[0::2], area[1::2]))
    begins = np.arange(top, bottom) * columns + left
    first, length, shifts = _choose_runs(begins, right - left, header.interval, rows * columns)
    sides = (bottom - top) * BLOCK, length * header.interval * BLOCK
    if not length or max(sides) > _LONGEST:
        return None
    size = b"".join(side.to_bytes(2, "big") for side in sides)
    start = data[: header.size_at] + size + data[header.size_at + len(size) : header.scan]
    height, width = (
        min(end * BLOCK, side) - begin * BLOCK
        for begin, end, side in zip((top, left), (bottom, right), header.size, strict=True)
    )
    there = Area(top * BLOCK, left * BLOCK, height, width)
    return Part(_joined(start, data, bounds, first, length), there, shifts, header.size)


def _choose_runs(
    begins: NDArray[np.intp], width: int, interval: int, total: int
) -> tuple[NDArray[np.intp], int, NDArray[np.intp]]:
    """Choose the full intervals that hold `width` blocks from each of `begins` on.

    Returns the number of the first one in each row of blocks; how many follow one another there, 0
    if none hold them; and the begin of the area behind the first, in blocks.
    """
    first = begins // interval
    shifts = begins - first * interval
    count = -(-(int(shifts.max()) + width) // interval)
    # Nothing follows the last full interval: a run that would reach beyond begins earlier.
    earlier = (first + count - total // interval).clip(0)
    first, shifts = first - earlier, shifts + earlier * interval
    is_held = first[0] >= 0 and shifts.max() + width <= count * interval
    return first, count if is_held else 0, shifts


def straighten(pixels: NDArray[Any], part: Part, reduced: int) -> NDArray[Any]:
    """The area of a part, from its decoded JPEG at 1/`reduced` (1, 2, 4 or 8) of the size."""
    height, width = (-(-side // reduced) for side in part.area[2:])
    block = BLOCK // reduced
    if (part.shifts == part.shifts[0]).all():
        return pixels[:height, part.shifts[0] * block :][:, :width]
    straight = np.empty((height, width, *pixels.shape[2:]), pixels.dtype)
    for row, shift in enumerate(part.shifts.tolist()):
        lines = slice(row * block, (row + 1) * block)
        there = pixels[lines, shift * block : shift * block + width]
        straight[lines] = there[: len(straight[lines])]
    return straight


def _bounds(data: bytes, scan: int) -> NDArray[np.intp]:
    """First byte of each interval, behind a marker (0xff and 0xd0 to 0xd7), and the end."""
    coded = np.frombuffer(data, np.uint8, offset=scan)
    places = np.flatnonzero(coded[:-1] == 0xFF) + 1
    restarts = places[coded[places] & 0xF8 == _FIRST] + 1
    return np.concatenate([[0], restarts, [len(coded)]]) + scan


def _joined(
    start: bytes, data: bytes, bounds: NDArray[np.intp], first: NDArray[np.intp], length: int
) -> bytearray:
    """Header and intervals, with markers that count anew and the end marker."""
    begins, ends = bounds[first].tolist(), bounds[first + length].tolist()
    view = memoryview(data)  # whose slices copy nothing
    pieces = [view[begin:end] for begin, end in zip(begins, ends, strict=True)]
    joined = bytearray().join([start, *pieces])
    kept = (first[:, None] + np.arange(length)).ravel()
    numbers = _FIRST + np.arange(len(kept)) % _CYCLE
    numbers[-1] = _END
    # The last byte of each interval says which marker it is that ends it.
    lasts = len(start) + np.cumsum(bounds[kept + 1] - bounds[kept]) - 1
    np.frombuffer(joined, np.uint8)[lasts] = numbers
    return joined


def _read_header(data: bytes) -> _Header | None:
    """Header before the scan of a JPEG that can be cut."""
    if data[:2] != b"\xff\xd8":
        return None
    position, size, size_at, colours, interval = 2, (0, 0), 0, 0, 0
    while position + 4 <= len(data) and data[position] == 0xFF:
        kind, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if len(body) != length - 2 or not body:
            return None
        if kind == _SCAN:
            is_whole = size_at and interval and body[0] == colours  # not one scan for each colour
            return _Header(size, size_at, interval, position + 2 + length) if is_whole else None
        if kind == _SIZE:
            if len(body) < 6 or body[7::3] != bytes([_IN_FULL] * body[5]):
                return None
            size = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            size_at, colours = position + 5, body[5]
        elif kind == _RESTART:
            interval = int.from_bytes(body[:2], "big")
        elif kind not in _HARMLESS:
            return None
        position += 2 + length
    return None
