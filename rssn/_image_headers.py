"""What the bytes of an image file tell and OpenCV does not: is all of it there, which way is up."""

from __future__ import annotations

import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Inside compressed data 0xff is followed by 0 or by a restart marker (0xd0 to 0xd7).
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START, _END = b"\xff\xd8", b"\xff\xd9"
_ORIENTATION = 0x0112
_TIFF_HEADS = ((b"II*\0", "<"), (b"MM\0*", ">"))


def is_cut_jpeg(data: bytes | bytearray) -> bool:
    """Whether this is a JPEG file that stops before its end marker.

    OpenCV 4.10 decodes what there is of it and leaves the rest of the picture grey.

    Note:
        Damage in front of an end marker stays unseen: the format has no checksum.
    """
    if not data.startswith(_START) or data.endswith(_END):
        return False
    position = len(_START)
    while marker := _MARKER.search(data, position):
        if marker[0] == _END:
            return False
        # Jumping over whole segments jumps over the end marker of an embedded preview, too.
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return True


def turn_upright(pixels: NDArray[Any], data: bytes) -> NDArray[Any]:
    """Turn the pixels of a JPEG, PNG or WebP file as its EXIF orientation says.

    OpenCV does this for colour pictures, yet not where it is to keep an alpha channel. TIFF files
    it always turns.

    Args:
        pixels: As stored, (H, W) or (H, W, C).
        data: The file.
    """
    turned = {
        2: lambda: pixels[:, ::-1],
        3: lambda: pixels[::-1, ::-1],
        4: lambda: pixels[::-1],
        5: lambda: pixels.swapaxes(0, 1),
        6: lambda: np.rot90(pixels, -1),
        7: lambda: pixels[::-1, ::-1].swapaxes(0, 1),
        8: lambda: np.rot90(pixels),
    }.get(_orientation(data))
    return np.ascontiguousarray(turned()) if turned else pixels


def _orientation(data: bytes) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where there is none that can be read."""
    for head, order in _TIFF_HEADS:
        start = data.find(head)
        while start >= 0:
            before = data[max(0, start - 8) : start]
            if before.endswith((b"Exif\0\0", b"eXIf")) or before.startswith(b"EXIF"):
                return _first_directory_orientation(data[start:], order)
            start = data.find(head, start + 1)
    return 1


def _first_directory_orientation(tiff: bytes, order: str) -> int:
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, value = struct.unpack_from(f"{order}H6xH", tiff, entry)
            if tag == _ORIENTATION:
                return int(value)
    except struct.error:  # cut short
        pass
    return 1
