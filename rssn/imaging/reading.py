"""Reading of image files, and of encoded images in memory, as they are stored."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from rssn.imaging.errors import InputError
from rssn.imaging.headers import (
    declared_size,
    foreign_kind,
    is_cut_jpeg,
    is_damaged_bmp,
    is_damaged_png,
    turn_upright,
)
from rssn.imaging.images import Alpha, Pixels, Uint8Image, unit
from rssn.imaging.jpeg_parts import Area, cut_part, straighten
from rssn.imaging.quiet import quiet_opencv

MAX_PIXELS = 178_956_970  # Pillow's limit, too; of 16 bits and with alpha they take 1.4 GB

Reduction = Literal[1, 2, 4, 8]
_REDUCED: dict[Reduction, int] = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


def read_rgb(path: Path) -> Uint8Image:
    """Read a picture as uint8 RGB of shape (H, W, 3), turned upright by its EXIF tag.

    Raises:
        InputError: The file is missing, empty or not an image that OpenCV can read.
    """
    return decode_rgb(read_bytes(path), str(path))


def read_alpha(path: Path) -> Alpha:
    """Read a matte as float32 (H, W) in [0, 1] from an 8- or 16-bit grey, RGB or RGBA file.

    An alpha channel is taken where the file has one that is not opaque throughout; a colour file
    must be grey in its three channels. It is turned upright by its EXIF tag, as a picture is.

    Raises:
        InputError: The file cannot be read or is a colour picture.
    """
    return decode_alpha(read_bytes(path), str(path))


def read_rgba(path: Path) -> tuple[Uint8Image, Alpha]:
    """Read a cut-out as its uint8 RGB colours (H, W, 3) and its float32 alpha (H, W) in [0, 1].

    It is turned upright by its EXIF tag.

    Raises:
        InputError: The file cannot be read or has no alpha channel.
    """
    pixels = _decode_unchanged(read_bytes(path), str(path))
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        raise InputError(
            f"{path}: has no alpha channel; give RGBA images, or photographs in original/ with "
            "their mattes in mask/"
        )
    return _rgb(pixels[..., :3]), unit(pixels[..., 3])


def read_pixels(source: Path | bytes, name: str = "") -> Pixels:
    """Read the levels of an image as stored, in any number of channels, upright by its EXIF tag.

    Args:
        source: A file, or its bytes.
        name: Stands in the error instead of the path.

    Raises:
        InputError: The file is missing, empty or not an image that OpenCV can read.
    """
    return _decode_unchanged(read_bytes(source, name), name or str(source))


def read_bytes(source: Path | bytes, name: str = "") -> bytes:
    """Read a file that has to have content.

    Args:
        source: A file, or its bytes.
        name: Stands in the error instead of the path.

    Raises:
        InputError: It is missing, empty or cannot be read.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}); check the path") from error
    if not data:
        raise InputError(f"{name}: is empty (0 bytes); replace or remove it")
    return data


def check_bytes(data: bytes | bytearray, name: str) -> None:
    """See that a file can be an image, is whole as far as its bytes tell, and not too large.

    Raises:
        InputError: It is of a kind that is not read, a cut JPEG, a PNG with a wrong checksum, a BMP
            with a damaged head, or states more than `MAX_PIXELS`.
    """
    if kind := foreign_kind(data):
        raise InputError(f"{name}: is {kind}, which is not read; save it as JPEG, PNG or TIFF")
    if is_cut_jpeg(data):
        raise InputError(f"{name}: is a JPEG that was cut short; copy it again or remove it")
    if is_damaged_png(data):
        raise InputError(
            f"{name}: is not an image that can be decoded (a PNG that is cut short or has a wrong "
            "checksum); copy it again or remove it"
        )
    if is_damaged_bmp(data):
        raise InputError(
            f"{name}: is not an image that can be decoded (a BMP with a damaged head); copy it "
            "again or remove it"
        )
    width, height = declared_size(data)
    if (pixels := width * height) > MAX_PIXELS:
        raise InputError(
            f"{name}: says that it has {pixels:,} pixels, and at most {MAX_PIXELS:,} are read; "
            "shrink it first"
        )


def decode_rgb(data: bytes | bytearray, name: str, reduced: Reduction = 1) -> Uint8Image:
    """Decode an encoded picture to uint8 RGB (H, W, 3).

    Args:
        data: The encoded picture.
        name: Stands in the error.
        reduced: Decode at 1/`reduced` of the size, which costs less; sides are rounded up (JPEG)
            or down.

    Raises:
        InputError: As `check_bytes` says, or OpenCV cannot decode it.
    """
    return _rgb(_decode(data, _REDUCED[reduced], name))


def decode_rgb_part(
    data: bytes, area: Area, name: str, reduced: Reduction = 1
) -> tuple[Uint8Image, tuple[int, int], tuple[int, int]]:
    """Decode an encoded picture, without most of what is not wanted where it allows that.

    Args:
        data: The encoded picture.
        area: What is wanted, in px of the whole picture.
        name: Stands in the error.
        reduced: As in `decode_rgb`.

    Returns:
        The picture or a part of it; row and column of the whole picture that it begins with, in px,
        multiples of 8; height and width of the whole picture, in px, up to `reduced` - 1 px too
        large.
    """
    part = cut_part(data, area)
    if part is None:
        image = decode_rgb(data, name, reduced)
        return image, (0, 0), (image.shape[0] * reduced, image.shape[1] * reduced)
    image = straighten(decode_rgb(part.data, name, reduced), part, reduced)
    return image, (part.area.top, part.area.left), part.size


def decode_alpha(data: bytes, name: str) -> Alpha:
    """Decode an encoded matte to float32 (H, W) in [0, 1]; `name` stands in the error."""
    return unit(decode_levels(data, name))


def decode_levels(data: bytes, name: str) -> Pixels:
    """Decode an encoded matte to its levels (H, W) as stored; `name` stands in the error."""
    return _levels(_decode_unchanged(data, name), name)


def _decode_unchanged(data: bytes, name: str) -> Pixels:
    return turn_upright(_decode(data, cv2.IMREAD_UNCHANGED, name), data)


def _decode(data: bytes | bytearray, flags: int, name: str) -> Pixels:
    check_bytes(data, name)
    try:
        with quiet_opencv():
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"{name}: cannot be decoded ({error.err}); replace or remove it") from None
    if pixels is None:
        raise InputError(f"{name}: is not an image that can be decoded; replace or remove it")
    return pixels


def _levels(pixels: Pixels, name: str) -> Pixels:
    if pixels.ndim == 2:
        return pixels
    if pixels.shape[2] == 4:
        top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
        if (pixels[..., 3] < top).any():
            return pixels[..., 3]
        pixels = pixels[..., :3]
    if (pixels != pixels[..., :1]).any():
        raise InputError(f"{name}: is a colour picture, not a matte; give a grey image")
    return pixels[..., 0]


def _rgb(pixels: Pixels) -> Uint8Image:
    if pixels.dtype != np.uint8:
        pixels = np.rint(unit(pixels) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
