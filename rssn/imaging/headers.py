"""What the bytes of an image file tell and OpenCV does not: kind, size, damage, which way up."""

from __future__ import annotations

import re
import struct
import zlib
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# Inside compressed data 0xff is followed by 0 or by a restart marker (0xd0 to 0xd7).
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START, _END = b"\xff\xd8", b"\xff\xd9"
_ORIENTATION = 0x0112
_TIFF_HEADS = ((b"II*\0", "<"), (b"MM\0*", ">"))
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_TIFF_SIDES = (0x0100, 0x0101)
_NUMBERS = {3: "H", 4: "I"}  # types of entries
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_BMP_HEADS = frozenset({12, 40, 52, 56, 64, 108, 124})  # bytes that a description may have
_BMP_CORE = 12  # of OS/2, with sides of 16 bits
# Segments of a JPEG that hold its size: all from 0xc0 on but tables and a reserved one.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

ImageKind = Literal["JPEG", "PNG", "WebP", "TIFF", "BMP"]


def image_kind(data: bytes | bytearray) -> ImageKind | None:
    """The kind of an image file by its first bytes; None for any other."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(_PNG_HEAD):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith(tuple(head for head, _ in _TIFF_HEADS)):
        return "TIFF"
    return "BMP" if data.startswith(b"BM") else None


def foreign_kind(data: bytes | bytearray) -> str | None:
    """What a file is by its first bytes, if people take it for an image and we do not read it."""
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIC_BRANDS:
            return "a HEIC picture"
        return None if data[8:12] in (b"avif", b"avis") else "a video or sound file"
    if data.startswith(b"%PDF"):
        return "a PDF document"
    if data.startswith(b"8BPS"):
        return "a Photoshop document"
    if image_kind(data) is None and b"<svg" in data[:1000].lower():
        return "an SVG drawing"
    return None


def is_cut_jpeg(data: bytes | bytearray) -> bool:
    """Whether this is a JPEG file that stops before its end marker.

    OpenCV reads one that was filled up with zeros, as a broken download leaves it, and what is
    missing of the picture comes out grey.

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


def is_damaged_png(data: bytes | bytearray) -> bool:
    """Whether this is a PNG file that stops before its end, or of which a checksum is wrong.

    OpenCV believes a head whose checksum is wrong, and decodes what follows at that size.
    """
    if not data.startswith(_PNG_HEAD):
        return False
    view, position, kind = memoryview(data), len(_PNG_HEAD), b""
    while kind != b"IEND":
        end = position + 8 + int.from_bytes(view[position : position + 4], "big")
        if end + 4 > len(view):
            return True
        if zlib.crc32(view[position + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            return True
        position, kind = end + 4, bytes(view[position + 4 : position + 8])
    return False


def is_damaged_bmp(data: bytes | bytearray) -> bool:
    """Whether this is a BMP file whose description is of a length that none has.

    OpenCV takes any length of 36 bytes or more, Pillow these only.
    """
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") not in _BMP_HEADS


def declared_size(data: bytes | bytearray) -> tuple[int, int]:
    """Width and height in px that the head of an image file states; 0, 0 where it states none."""
    try:
        width, height = _declared_sides(data)
    except struct.error:  # cut short
        return 0, 0
    return abs(width), abs(height)  # a BMP whose rows are stored downwards has a negative height


def _declared_sides(data: bytes | bytearray) -> tuple[int, int]:
    match image_kind(data):
        case "PNG":
            return struct.unpack_from(">II", data, 16)
        case "BMP" if not is_damaged_bmp(data):
            is_core = int.from_bytes(data[14:18], "little") == _BMP_CORE
            return struct.unpack_from("<HH" if is_core else "<ii", data, 18)
        case "JPEG":
            return _jpeg_sides(data)
        case "WebP":
            return _webp_sides(data)
        case "TIFF":
            order = next(order for head, order in _TIFF_HEADS if data.startswith(head))
            sides = _first_directory(data, order)
            return sides.get(_TIFF_SIDES[0], 0), sides.get(_TIFF_SIDES[1], 0)
    return 0, 0


def _jpeg_sides(data: bytes | bytearray) -> tuple[int, int]:
    position = len(_START)
    while marker := _MARKER.search(data, position):
        if marker[0][1] in _FRAMES:
            height, width = struct.unpack_from(">HH", data, marker.end() + 3)
            return width, height
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return 0, 0


def _webp_sides(data: bytes | bytearray) -> tuple[int, int]:
    if data[12:16] == b"VP8X":
        return tuple(1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))  # type: ignore[return-value]
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + bits % 2**14, 1 + (bits >> 14) % 2**14
    width, height = struct.unpack_from("<HH", data, 26)
    return width % 2**14, height % 2**14


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
                return _first_directory(data[start:], order).get(_ORIENTATION, 1)
            start = data.find(head, start + 1)
    return 1


def _first_directory(tiff: bytes | bytearray, order: str) -> dict[int, int]:
    """The first number of each entry of 2 or 4 bytes, by its tag, as far as there are any."""
    found: dict[int, int] = {}
    try:
        (offset,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, offset)
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(f"{order}HH", tiff, entry)
            if kind in _NUMBERS:
                (number,) = struct.unpack_from(order + _NUMBERS[kind], tiff, entry + 8)
                found.setdefault(tag, number)
    except struct.error:  # cut short
        pass
    return found
