"""Reading, writing and encoding images and mattes; the only module that touches image files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.headers import (
    declared_pixels,
    is_cut_jpeg,
    is_damaged_bmp,
    is_damaged_png,
    turn_upright,
)
from rssn.imaging.jpeg_parts import BLOCK, INTERVAL, Area, cut_part, straighten

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
MAX_PIXELS = 178_956_970  # Pillow's limit, too; of 16 bits and with alpha they take 1.4 GB

ImageFormat = Literal["jpg", "png", "webp"]
Uint8Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Pixels = NDArray[Any]  # as stored: uint8, uint16 or float, BGR order
Reduction = Literal[1, 2, 4, 8]
_REDUCED: dict[Reduction, int] = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_QUALITY: dict[ImageFormat, list[int]] = {
    "jpg": [
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ],
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    "webp": [cv2.IMWRITE_WEBP_QUALITY, 101],  # above 100 means lossless
}


def image_files(folder: Path) -> list[Path]:
    """The image files right inside a folder, in name order; broken links too, for readers to name.

    Raises:
        InputError: The folder does not exist or holds no image.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    files = sorted(path for path in folder.iterdir() if is_image_file(path))
    if not files:
        raise InputError(f"{folder}: holds no image; wanted files ending in {_suffix_list()}")
    return files


def is_image_file(path: Path) -> bool:
    """Whether a file is an image by its name; so is a link that leads nowhere."""
    return path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink())


def read_rgb(path: Path) -> Uint8Image:
    """Read a picture as uint8 RGB of shape (H, W, 3), turned upright by its EXIF tag.

    Raises:
        InputError: The file is missing, empty or not an image that OpenCV can read.
    """
    return decode_rgb(_read_bytes(path), str(path))


def read_alpha(path: Path) -> Alpha:
    """Read a matte as float32 (H, W) in [0, 1] from an 8- or 16-bit grey, RGB or RGBA file.

    An alpha channel is taken where the file has one that is not opaque throughout; a colour file
    must be grey in its three channels. It is turned upright by its EXIF tag, as a picture is.

    Raises:
        InputError: The file cannot be read or is a colour picture.
    """
    return decode_alpha(_read_bytes(path), str(path))


def read_rgba(path: Path) -> tuple[Uint8Image, Alpha]:
    """Read a cut-out as its uint8 RGB colours (H, W, 3) and its float32 alpha (H, W) in [0, 1].

    It is turned upright by its EXIF tag.

    Raises:
        InputError: The file cannot be read or has no alpha channel.
    """
    pixels = _decode_unchanged(_read_bytes(path), str(path))
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        raise InputError(
            f"{path}: has no alpha channel; give RGBA images, or photographs in original/ with "
            "their mattes in mask/"
        )
    return _rgb(pixels[..., :3]), unit(pixels[..., 3])


def read_pixels(path: Path) -> Pixels:
    """Read the levels of an image as stored, in any number of channels, upright by its EXIF tag.

    Raises:
        InputError: The file is missing, empty or not an image that OpenCV can read.
    """
    return _decode_unchanged(_read_bytes(path), str(path))


def check_bytes(data: bytes | bytearray, name: str) -> None:
    """See that an image file is whole, as far as its bytes tell, and not too large to decode.

    Raises:
        InputError: It is a cut JPEG, a PNG with a wrong checksum, a BMP with a damaged head, or
            says that it has more than `MAX_PIXELS`.
    """
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
    if (pixels := declared_pixels(data)) > MAX_PIXELS:
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


def unit(levels: Pixels) -> Alpha:
    """A matte's levels, 8 or 16 bits or float, as float32 in [0, 1]."""
    if levels.dtype.kind == "f":
        return np.clip(levels, 0, 1).astype(np.float32)
    scaled: Alpha = levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)
    return scaled


def encode_rgb(image: Uint8Image, image_format: ImageFormat = "jpg") -> bytes:
    """Encode uint8 RGB (H, W, 3): JPEG quality 95 with full colour (4:4:4), or lossless.

    A JPEG has restart markers that let `decode_rgb_part` leave out what is not wanted; they take
    about 1.5 % of a photograph's bytes.
    """
    options = [*_QUALITY[image_format]]
    if image_format == "jpg":
        columns = -(-image.shape[1] // BLOCK)
        options += [cv2.IMWRITE_JPEG_RST_INTERVAL, min(INTERVAL, columns)]
    return _encode(f".{image_format}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)


def encode_alpha(alpha: Alpha, bits: Literal[8, 16] = 8) -> bytes:
    """Encode a matte (H, W) in [0, 1] as a grey PNG, rounded to 8 or 16 bits."""
    top, kind = (255, np.uint8) if bits == 8 else (65535, np.uint16)
    levels = np.rint(np.clip(alpha, 0, 1).astype(np.float64) * top).astype(kind)
    # Undoing a filter takes longer than inflating; with 8 bits it saves a sixth, with 16 the half.
    row_filter = cv2.IMWRITE_PNG_FILTER_NONE if bits == 8 else cv2.IMWRITE_PNG_FILTER_UP
    options = [*_QUALITY["png"], cv2.IMWRITE_PNG_FILTER, row_filter]
    return _encode(".png", levels, options)


def write_rgb(path: Path, image: Uint8Image) -> None:
    """Write uint8 RGB (H, W, 3) in the format of the suffix (.jpg, .png or .webp)."""
    path.write_bytes(encode_rgb(image, _format_of(path)))


def write_alpha(path: Path, alpha: Alpha, bits: Literal[8, 16] = 8) -> None:
    """Write a matte (H, W) in [0, 1] as a grey PNG of 8 or 16 bits."""
    path.write_bytes(encode_alpha(alpha, bits))


def write_trimap(path: Path, trimap: NDArray[np.uint8]) -> None:
    """Write a trimap (H, W) of 0, 1 and 2 as a grey PNG of 0, 128 and 255."""
    levels = np.array([0, 128, 255], np.uint8)[trimap]
    path.write_bytes(_encode(".png", levels, _QUALITY["png"]))


def write_rgba(path: Path, image: Uint8Image, alpha: Alpha) -> None:
    """Write a cut-out, uint8 RGB (H, W, 3) with alpha (H, W) in [0, 1], as an RGBA PNG."""
    levels = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)
    pixels = np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2BGR), levels])
    path.write_bytes(_encode(".png", pixels, _QUALITY["png"]))


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if not data:
        raise InputError(f"{path}: is empty (0 bytes); replace or remove it")
    return data


def _decode_unchanged(data: bytes, name: str) -> Pixels:
    return turn_upright(_decode(data, cv2.IMREAD_UNCHANGED, name), data)


def _decode(data: bytes | bytearray, flags: int, name: str) -> Pixels:
    check_bytes(data, name)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise InputError(f"{name}: cannot be decoded ({error.err}); replace or remove it") from None
    if pixels is None:
        raise InputError(f"{name}: is not an image that can be decoded; replace or remove it")
    return pixels


def _encode(suffix: str, pixels: Pixels, options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise InputError(f"an image of shape {pixels.shape} cannot be encoded as {suffix}")
    return data.tobytes()


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


def _format_of(path: Path) -> ImageFormat:
    suffix = path.suffix.lower().lstrip(".").replace("jpeg", "jpg")
    if suffix not in ("jpg", "png", "webp"):
        raise InputError(f"{path}: cannot write '{path.suffix}'; choose .jpg, .png or .webp")
    return suffix  # type: ignore[return-value]


def _suffix_list() -> str:
    return ", ".join(sorted(SUFFIXES))
