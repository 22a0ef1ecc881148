"""Checks of encoded images that OpenCV does not make: kind, size, damage, orientation."""

from __future__ import annotations

import io
import re
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from rssn.imaging.errors import InputError
from rssn.imaging.quiet import quiet_pillow

ImageKind = Literal["JPEG", "PNG", "WebP", "TIFF", "BMP"]
WEBP_SIDE = 16383  # px; the format holds no more
# How each kind begins, and its reader: not Image.open, which refuses large pictures without their
# size.
_KINDS: dict[ImageKind, tuple[bytes, type[ImageFile]]] = {
    "JPEG": (rb"\xff\xd8\xff", JpegImageFile),
    "PNG": (rb"\x89PNG\r\n\x1a\n", PngImageFile),
    "WebP": (rb"(?s)RIFF.{4}WEBP", WebPImageFile),
    "TIFF": (rb"II\*\0|MM\0\*", TiffImageFile),
    "BMP": (rb"BM", BmpImageFile),
}
# Inside compressed data 0xff is followed by 0 or by a restart marker (0xd0 to 0xd7).
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_START, _END = b"\xff\xd8", b"\xff\xd9"
_ORIENTATION = 0x0112  # EXIF tag
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_DOCUMENTS = {b"%PDF": "a PDF document", b"8BPS": "a Photoshop document"}


def image_kind(data: bytes | bytearray) -> ImageKind | None:
    """Kind of an image file by its first bytes; None for any other."""
    return next((kind for kind, (head, _) in _KINDS.items() if re.match(head, data)), None)


def foreign_kind(data: bytes | bytearray) -> str | None:
    """Kind of a file that people take for an image and that is not read."""
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIC_BRANDS:
            return "a HEIC picture"
        return None if data[8:12] in (b"avif", b"avis") else "a video or sound file"
    if image_kind(data) is None and b"<svg" in data[:1000].lower():
        return "an SVG drawing"
    return _DOCUMENTS.get(bytes(data[:4]))


def open_header(data: bytes | bytearray, name: str) -> Image.Image | None:
    """Open an image file without decoding its pixels; None if Pillow cannot read its head.

    An `InputError` if Pillow refuses its size, as of a WebP.
    """
    kind = image_kind(data)
    try:
        with quiet_pillow():
            return _KINDS[kind][1](io.BytesIO(data)) if kind else Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise InputError(f"{name}: has too many pixels ({error}); shrink it first") from None
    except (OSError, ValueError, SyntaxError):
        return None


def declared_size(data: bytes | bytearray) -> tuple[int, int]:
    """Width and height in px by the head of an image file; 0, 0 if it cannot be read.

    The largest that WebP has stands for one that Pillow refuses.
    """
    try:
        header = open_header(data, "") if image_kind(data) else None
    except InputError:
        return WEBP_SIDE, WEBP_SIDE
    return header.size if header else (0, 0)


def is_cut_jpeg(data: bytes | bytearray) -> bool:
    """Return True for a JPEG file that stops before its end marker.

    OpenCV reads one that was filled up with zeros, as a broken download leaves it, and decodes the
    missing part as grey.

    Note:
        Damage before an end marker is not detected: the format has no checksum.
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


def is_damaged_png(header: Image.Image) -> bool:
    """Return True for a PNG file that is cut short or has a wrong checksum.

    OpenCV decodes such a file at the size that a damaged head states.
    """
    try:
        header.verify()
    except (OSError, ValueError, SyntaxError):
        return True
    return False


def turn_upright(pixels: NDArray[Any], exif: bytes) -> NDArray[Any]:
    """Turn stored pixels (H, W) or (H, W, C) as their EXIF data says; as they are without it."""
    tags = Image.Exif()
    try:
        with quiet_pillow():
            tags.load(exif)
        orientation = tags.get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError):  # damaged
        return pixels
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
