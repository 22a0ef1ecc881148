"""Photographs with what goes along with their pixels, and pictures that carry it on."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from PIL.Image import DecompressionBombError

from rssn.imaging.errors import InputError
from rssn.imaging.images import check_bytes, decode_rgb

PictureFormat = Literal["png", "webp", "tiff"]
FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
WEBP_SIDE = 16383  # px; the format holds no more
RGB_SPACE = b"RGB "  # in bytes 16 to 19 of an ICC profile

_WARNINGS = threading.Lock()  # their filters belong to the whole process


@dataclass(frozen=True)
class Photograph:
    """A picture as it is shown.

    Attributes:
        pixels: uint8 RGB (H, W, 3), upright, in the colour space of `profile`.
        profile: ICC profile of the colours; None is sRGB.
    """

    pixels: NDArray[np.uint8]
    profile: bytes | None = None


def read_photograph(source: Path | bytes, name: str = "") -> Photograph:
    """Read a photograph of any usual kind, turned upright by its EXIF tag.

    Of an animated file the first frame is taken; transparent parts are laid on white; 16 bits
    become 8; grey becomes RGB; CMYK is converted through its profile.

    Args:
        source: A file, or its bytes.
        name: Stands in the error instead of the path.

    Raises:
        InputError: The file is missing, empty, damaged, no image, or has too many pixels.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}); check the path") from None
    if not data:
        raise InputError(f"{name}: is empty (0 bytes); replace or remove it")
    header = _open(data, name)
    if header is None:  # a kind that OpenCV may know
        check_bytes(data, name)
        if data.startswith(b"\xff\xd8\xff") or (data[:4], data[8:12]) == (b"RIFF", b"WEBP"):
            # OpenCV reads on where parts are lost.
            raise InputError(
                f"{name}: is not an image that can be decoded (a JPEG or WebP with a damaged "
                "head); copy it again or remove it"
            )
        return Photograph(decode_rgb(data, name))
    profile: bytes | None = header.info.get("icc_profile") or None
    see_through = header.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in header.info
    of_cmyk = profile if header.mode == "CMYK" else None
    if not see_through and of_cmyk is None:
        return Photograph(decode_rgb(data, name), _of_rgb(profile))
    check_bytes(data, name)
    try:
        with quiet_pillow():
            if of_cmyk is not None:
                return Photograph(_through_profile(header, of_cmyk))
            return Photograph(_on_white(header), _of_rgb(profile))
    except (OSError, ValueError, SyntaxError, ImageCms.PyCMSError) as error:
        raise InputError(f"{name}: cannot be decoded ({error}); replace or remove it") from None


def encode_picture(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    picture_format: PictureFormat = "png",
    profile: bytes | None = None,
) -> bytes:
    """Encode without loss.

    Args:
        pixels: Grey (H, W), uint8 or uint16; RGB (H, W, 3) or RGBA (H, W, 4), uint8.
        picture_format: WebP holds 8 bits, and sides up to 16383 pixels.
        profile: ICC profile of the colours, to be kept in the file.

    Raises:
        InputError: The format does not hold such a picture.
    """
    if picture_format not in FORMATS:
        raise InputError(f"format={picture_format!r} is not supported; choose {', '.join(FORMATS)}")
    if picture_format == "webp" and (pixels.dtype != np.uint8 or max(pixels.shape) > WEBP_SIDE):
        raise InputError(
            f"a picture of shape {pixels.shape} and type {pixels.dtype} does not fit into WebP, "
            f"which holds 8 bits and sides up to {WEBP_SIDE} pixels; choose png or tiff"
        )
    options: dict[PictureFormat, dict[str, object]] = {
        "png": {"compress_level": 3},
        "webp": {"lossless": True, "quality": 30, "method": 2, "exact": True},
        "tiff": {"compression": "tiff_lzw"},
    }
    kept = {} if profile is None else {"icc_profile": profile}
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, picture_format, **options[picture_format], **kept)
    return file.getvalue()


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's warnings from stderr; one thread at a time.

    They are of 100 megapixels, which are welcome (twice that remains an error), and of damage,
    which the readers find or can do without.
    """
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(data: bytes, name: str) -> Image.Image | None:
    """What the head of a file says; nothing is decoded yet."""
    try:
        with quiet_pillow():
            return Image.open(io.BytesIO(data))
    except DecompressionBombError as error:
        raise InputError(f"{name}: {error}; shrink it first") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return None


def _on_white(image: Image.Image) -> NDArray[np.uint8]:
    shown = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", shown.size, "white")
    return np.asarray(Image.alpha_composite(white, shown).convert("RGB"))


def _through_profile(image: Image.Image, profile: bytes) -> NDArray[np.uint8]:
    shown = ImageOps.exif_transpose(image)
    converted = ImageCms.profileToProfile(
        shown, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return np.asarray(converted)


def _of_rgb(profile: bytes | None) -> bytes | None:
    """The profile, unless it describes other colours than RGB (grey), which were converted."""
    return profile if profile is not None and profile[16:20] == RGB_SPACE else None
