"""Image files, and encoded images in memory, as arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from rssn.imaging.errors import InputError
from rssn.imaging.headers import (
    foreign_kind,
    image_kind,
    is_cut_jpeg,
    is_damaged_png,
    open_header,
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

    An alpha channel is taken if it is not opaque throughout; otherwise the colour channels must be
    equal. The matte is turned upright by its EXIF tag, as a picture is.

    Raises:
        InputError: The file cannot be read or is a colour picture.
    """
    return decode_alpha(read_bytes(path), str(path))


def read_rgba(path: Path) -> tuple[Uint8Image, Alpha]:
    """Read a cut-out, upright: uint8 RGB colours (H, W, 3) and float32 alpha (H, W) in [0, 1].

    Raises:
        InputError: The file cannot be read or has no alpha channel.
    """
    pixels = read_pixels(path)
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        raise InputError(
            f"{path}: has no alpha channel; give RGBA images, or photographs in original/ with "
            "their mattes in mask/"
        )
    return _rgb(pixels[..., :3]), unit(pixels[..., 3])


def read_pixels(source: Path | bytes, name: str = "") -> Pixels:
    """Read the levels of an image as stored, in any number of channels, upright by its EXIF tag.

    `name` stands in the error instead of the path.
    """
    return _decode(read_bytes(source, name), cv2.IMREAD_UNCHANGED, name or str(source))


def read_bytes(source: Path | bytes, name: str = "") -> bytes:
    """Read a file, or take its bytes; an `InputError` if it is missing or empty."""
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}); check the path") from error
    if not data:
        raise InputError(f"{name}: is empty (0 bytes); replace or remove it")
    return data


def check_bytes(data: bytes | bytearray, name: str) -> None:
    """Check that a file can be an image, is whole as far as its bytes tell, and not too large.

    Raises:
        InputError: Another kind of file, a cut JPEG, a damaged head, a PNG with a wrong checksum,
            or more than `MAX_PIXELS`.
    """
    if foreign := foreign_kind(data):
        raise InputError(f"{name}: is {foreign}, which is not read; save it as JPEG, PNG or TIFF")
    if is_cut_jpeg(data):
        raise InputError(f"{name}: is a JPEG that was cut short; copy it again or remove it")
    kind, header = image_kind(data), open_header(data, name)
    if kind is None or (kind == "TIFF" and header is None):
        return  # OpenCV knows more kinds and TIFFs, and decodes damaged others
    if header is None or (kind == "PNG" and is_damaged_png(header)):
        damage = "is cut short or has a wrong checksum" if header else "has a damaged head"
        raise InputError(
            f"{name}: is not an image that can be decoded (a {kind} that {damage}); copy it again "
            "or remove it"
        )
    if (pixels := header.width * header.height) > MAX_PIXELS:
        raise InputError(
            f"{name}: has {pixels:,} pixels by its header; shrink it to at most {MAX_PIXELS:,}"
        )


def decode_rgb(data: bytes | bytearray, name: str, reduced: Reduction = 1) -> Uint8Image:
    """Decode a picture to uint8 RGB (H, W, 3), at 1/`reduced` of its size; `name` is for the error.

    Sides are rounded up (JPEG) or down.

    Raises:
        InputError: As for `check_bytes`, or OpenCV cannot decode it.
    """
    return _rgb(_decode(data, _REDUCED[reduced], name))


def decode_rgb_part(
    data: bytes, area: Area, name: str, reduced: Reduction = 1
) -> tuple[Uint8Image, tuple[int, int], tuple[int, int]]:
    """Decode an area of a picture, without most of the rest if the format allows that.

    Returns:
        The picture or a part of it; its first row and column in the whole picture, in px, multiples
        of 8; height and width of the whole picture, in px, up to `reduced` - 1 px too large.
    """
    part = cut_part(data, area)
    if part is None:
        image = decode_rgb(data, name, reduced)
        return image, (0, 0), (image.shape[0] * reduced, image.shape[1] * reduced)
    pixels = _rgb(_decode(part.data, _REDUCED[reduced], name, is_checked=True))  # with our own head
    image = straighten(pixels, part, reduced)
    return image, (part.area.top, part.area.left), part.size


def decode_alpha(data: bytes, name: str) -> Alpha:
    """Decode an encoded matte to float32 (H, W) in [0, 1]; `name` stands in the error."""
    return unit(decode_levels(data, name))


def decode_levels(data: bytes, name: str) -> Pixels:
    """Decode an encoded matte to its levels (H, W) as stored; `name` stands in the error."""
    return _levels(_decode(data, cv2.IMREAD_UNCHANGED, name), name)


def _decode(data: bytes | bytearray, flags: int, name: str, is_checked: bool = False) -> Pixels:
    if not is_checked:
        check_bytes(data, name)
    encoded = np.frombuffer(data, np.uint8)
    exif: Any = b""
    try:
        with quiet_opencv():
            if flags != cv2.IMREAD_UNCHANGED:
                pixels = cv2.imdecode(encoded, flags)
            else:  # which OpenCV leaves as it is stored, but for TIFF
                pixels, kinds, metadata = cv2.imdecodeWithMetadata(encoded, flags=flags)
                exif = dict(zip(kinds, metadata, strict=True)).get(cv2.IMAGE_METADATA_EXIF, exif)
    except cv2.error as error:
        raise InputError(f"{name}: cannot be decoded ({error.err}); replace or remove it") from None
    if pixels is None or not pixels.size:
        raise InputError(f"{name}: is not an image that can be decoded; replace or remove it")
    return turn_upright(pixels, bytes(exif))


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
