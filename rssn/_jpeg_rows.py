"""Some rows of a JPEG without decoding those above and below them.

Entropy decoding takes most of a JPEG's time, also where it is decoded at reduced size. Where every
row of blocks ends with a restart marker, as `rssn.images.encode_rgb` writes them, a run of rows is
a JPEG of its own once its header says how high it is. JPEG: ITU-T T.81, annex B.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 8  # px; also the rows between restart markers, since all colours are stored in full
CYCLE = 8  # restart markers count to 7 and begin again, so a part has to begin at a multiple

_SIZE, _SCAN, _RESTART = 0xC0, 0xDA, 0xDD  # baseline frame, start of scan, restart interval
_END = b"\xff\xd9"
_HARMLESS = {0xE0, 0xDB, 0xC4}  # JFIF, quantisation and Huffman tables


class Rows(NamedTuple):
    """Rows of a picture as a JPEG.

    Attributes:
        data: The JPEG.
        top: Where it begins in the picture, in px; a multiple of 64.
        height: Of the whole picture, in px.
    """

    data: bytes
    top: int
    height: int


class _Header(NamedTuple):
    height: int
    height_at: int  # first byte of the height in the file
    scan: int  # first byte of the entropy-coded data


def cut_rows(data: bytes, top: int, bottom: int) -> Rows | None:
    """The rows of a JPEG from `top` to `bottom` (px, exclusive), and a few more around them.

    Decoded, at full or reduced size, they are the same rows of the whole picture to the last bit.

    Args:
        data: The JPEG.
        top: First row, 0 or more.
        bottom: End of the rows, beyond `top`.

    Returns:
        The part; None if the picture has no restart marker after every row of blocks, or does not
        store its colours in full, or is no such JPEG at all.
    """
    header = _read_header(data)
    if header is None or not data.endswith(_END) or not 0 <= top < bottom <= header.height:
        return None
    total = -(-header.height // BLOCK)
    starts = [header.scan, *_restarts(data, header.scan)]
    if len(starts) != total:
        return None
    first, last = top // (BLOCK * CYCLE) * CYCLE, -(-bottom // BLOCK)
    end = starts[last] - 2 if last < total else len(data) - 2
    height = min(last * BLOCK, header.height) - first * BLOCK
    at = header.height_at
    start = data[:at] + height.to_bytes(2, "big") + data[at + 2 : header.scan]
    return Rows(start + data[starts[first] : end] + _END, first * BLOCK, header.height)


def _restarts(data: bytes, scan: int) -> list[int]:
    """The first byte after each restart marker (0xff and 0xd0 to 0xd7) of a scan."""
    coded = np.frombuffer(data, np.uint8, offset=scan)
    places = np.flatnonzero(coded[:-1] == 0xFF) + 1
    restarts: list[int] = (places[coded[places] & 0xF8 == 0xD0] + scan + 1).tolist()
    return restarts


def _read_header(data: bytes) -> _Header | None:
    """What stands before the scan of a JPEG that can be cut."""
    if data[:2] != b"\xff\xd8":
        return None
    position, size, interval = 2, None, 0
    while position + 4 <= len(data) and data[position] == 0xFF:
        kind, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        body = data[position + 4 : position + 2 + length]
        if kind == _SCAN:
            if size is None or interval != -(-size[1] // BLOCK):
                return None
            return _Header(size[0], size[2], position + 2 + length)
        if kind == _SIZE:
            colours = body[5]
            if any(body[7 + 3 * i] != 0x11 for i in range(colours)):
                return None
            height, width = (int.from_bytes(body[i : i + 2], "big") for i in (1, 3))
            size = height, width, position + 5
        elif kind == _RESTART:
            interval = int.from_bytes(body[:2], "big")
        elif kind not in _HARMLESS:
            return None
        position += 2 + length
    return None
