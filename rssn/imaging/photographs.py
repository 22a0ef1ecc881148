"""Photographs of any usual kind as they are displayed, with their colour profiles."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from rssn.imaging.errors import InputError
from rssn.imaging.headers import WEBP_SIDE as WEBP_SIDE
from rssn.imaging.headers import open_header
from rssn.imaging.quiet import quiet_pillow
from rssn.imaging.reading import check_bytes, decode_rgb, read_bytes

PictureFormat = Literal["png", "webp", "tiff"]
FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
RGB_SPACE = b"RGB "  # in bytes 16 to 19 of an ICC profile
# Pillow's modes that a TIFF file holds as they are, to be converted as those of any file.
STORED = ("RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16", "I;16B", "I;16L", "LAB")
NO_RANGE = ("I", "F")  # Pillow's modes that do not say which value is white

PhotographLike = NDArray[np.uint8] | str | Path | Image.Image


@dataclass(frozen=True)
class Photograph:
    """A picture as it is displayed.

    Attributes:
        pixels: uint8 RGB (H, W, 3), upright, in the colour space of `profile`.
        profile: ICC profile of the colours; None is sRGB.
    """

    pixels: NDArray[np.uint8]
    profile: bytes | None = None


def as_photograph(image: PhotographLike) -> Photograph:
    """A photograph, upright, as uint8 RGB with its colour profile.

    Args:
        image: uint8 RGB (H, W, 3), used unchanged; a path; or a PIL image, treated as a file.

    Raises:
        InputError: Another type or shape, or a file that cannot be read.
    """
    if isinstance(image, str | Path):
        return read_photograph(Path(image))
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise InputError(
                f"image has shape {image.shape} and type {image.dtype}; wanted uint8 RGB (H, W, 3)"
            )
        return Photograph(image)
    if not isinstance(image, Image.Image):
        raise InputError(
            f"image is a {type(image).__name__}; give a uint8 RGB array, a path or a PIL image"
        )
    return _of_pillow(image)


def read_photograph(source: Path | bytes, name: str = "") -> Photograph:
    """Read a photograph of any usual kind, turned upright by its EXIF tag.

    The first frame represents an animation. Transparent parts are laid on white. 16 bits become 8,
    grey becomes RGB, CMYK is converted through its profile, CIE Lab to sRGB.

    Args:
        source: A file, or its bytes.
        name: Stands in the error instead of the path.

    Raises:
        InputError: The file is missing, empty, damaged, of an unsupported kind, or too large.
    """
    data = read_bytes(source, name)
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    header = open_header(data, name)
    if header is None:  # a kind that OpenCV may know
        return Photograph(decode_rgb(data, name))
    if header.format == "TIFF":
        _check_range(header, name)
    profile: bytes | None = header.info.get("icc_profile") or None
    see_through = header.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in header.info
    is_converted = header.mode == "LAB" or (header.mode == "CMYK" and profile is not None)
    if not (is_converted or see_through):
        return Photograph(decode_rgb(data, name), _of_rgb(profile))
    check_bytes(data, name)
    try:
        with quiet_pillow():
            shown = ImageOps.exif_transpose(header)
            if is_converted:
                return Photograph(_to_srgb(shown, profile))
            white = Image.new("RGBA", shown.size, "white")
            pixels = Image.alpha_composite(white, shown.convert("RGBA")).convert("RGB")
            return Photograph(np.asarray(pixels), _of_rgb(profile))
    except (OSError, ValueError, SyntaxError, ImageCms.PyCMSError) as error:
        raise InputError(f"{name}: cannot be decoded ({error}); replace or remove it") from None


def encode_picture(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    picture_format: PictureFormat = "png",
    profile: bytes | None = None,
) -> bytes:
    """Encode grey (H, W), uint8 or uint16, RGB or RGBA (H, W, C), uint8, without loss.

    The file keeps the ICC profile. An `InputError` if the format cannot hold the picture: WebP has
    8 bits, and sides up to 16383 pixels.
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


def _check_range(image: Image.Image, name: str) -> None:
    if image.mode in NO_RANGE:
        raise InputError(
            f"{name}: has numbers without a level of white (mode {image.mode}); save it with 8 or "
            "16 bits"
        )


def _to_srgb(image: Image.Image, profile: bytes | None) -> NDArray[np.uint8]:
    """Convert CMYK through its profile, or CIE Lab, to sRGB."""
    own = ImageCms.createProfile("LAB") if image.mode == "LAB" else io.BytesIO(profile or b"")
    ends = ImageCms.ImageCmsProfile(own), ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, *ends, outputMode="RGB"))


def _of_rgb(profile: bytes | None) -> bytes | None:
    """The profile, unless it is of other colours than RGB (grey), which were converted."""
    return profile if profile is not None and profile[16:20] == RGB_SPACE else None


def _of_pillow(image: Image.Image) -> Photograph:
    """A PIL image, read through a file in memory unless it is plain RGB."""
    name = "the PIL image"
    if 0 in image.size:
        raise InputError(f"{name} has no pixels (size {image.size}); give another one")
    _check_range(image, name)
    file = io.BytesIO()
    try:
        upright = ImageOps.exif_transpose(image)
        see_through = upright.has_transparency_data
        if see_through or upright.mode not in STORED:
            upright = upright.convert("RGBA" if see_through else "RGB")
        profile = upright.info.get("icc_profile") or b""
        if upright.mode == "RGB" and not profile:
            return Photograph(np.asarray(upright))
        upright.save(file, "TIFF", icc_profile=profile, compression="raw", exif=b"")
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError(f"{name} cannot be read ({error}); give another one") from None
    return read_photograph(file.getvalue(), name)
