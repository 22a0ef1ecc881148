"""What may be given as a photograph, read in one way wherever it comes from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.images import MAX_PIXELS
from rssn.imaging.photographs import Photograph, quiet_pillow, read_photograph

if TYPE_CHECKING:
    from PIL.Image import Image

    Picture = NDArray[np.uint8] | str | Path | Image

TIFF_HEADS = (b"II*\0", b"MM\0*")
# Pillow's modes that a TIFF file holds as they are, to be converted as those of any file.
STORED = ("RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16", "I;16B", "I;16L", "LAB")
NO_RANGE = ("I", "F")  # Pillow's modes that do not say which value is white


def as_photograph(image: Picture) -> Photograph:
    """A photograph, upright, as uint8 RGB with its colour profile.

    Args:
        image: uint8 RGB (H, W, 3), taken as it is; a path; or a PIL image, which is read as a file
            of it would be.

    Raises:
        InputError: Another type or shape, or a file that cannot be read.
    """
    if isinstance(image, str | Path):
        return read_picture(Path(image))
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            raise InputError(
                f"image has shape {image.shape} and type {image.dtype}; wanted uint8 RGB (H, W, 3)"
            )
        return Photograph(image)

    from PIL.Image import Image as PillowImage

    if not isinstance(image, PillowImage):
        raise InputError(
            f"image is a {type(image).__name__}; give a uint8 RGB array, a path or a PIL image"
        )
    return _of_pillow(image)


def read_picture(source: Path | bytes, name: str = "") -> Photograph:
    """Read a photograph as `rssn.imaging.photographs.read_photograph` does, and CIE Lab as well.

    Args:
        source: A file, or its bytes.
        name: Stands in the error instead of the path.

    Raises:
        InputError: The file is missing, empty, damaged, of a kind that is not read, or has too many
            pixels.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    if isinstance(source, Path):
        try:
            source = source.read_bytes()
        except OSError as error:
            raise InputError(f"{name}: cannot be read ({error.strerror}); check the path") from None
    if kind := _foreign_kind(source):
        raise InputError(f"{name}: is {kind}, which is not read; save it as JPEG, PNG or TIFF")
    if source.startswith(TIFF_HEADS) and (lab := _read_lab(source, name)):
        return lab
    with quiet_decoders():
        return read_photograph(source, name)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep what OpenCV would write to stderr of a broken file; the error says it in one line."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _foreign_kind(data: bytes) -> str | None:
    """What a file is by its content, where people take it for a photograph and we cannot."""
    if data[4:8] == b"ftyp":
        if data[8:12] in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "a HEIC picture"
        return None if data[8:12] in (b"avif", b"avis") else "a video or sound file"
    if data.startswith(b"%PDF"):
        return "a PDF document"
    if data.startswith(b"8BPS"):
        return "a Photoshop document"
    return "an SVG drawing" if b"<svg" in data[:1000].lower() else None


def _read_lab(data: bytes, name: str) -> Photograph | None:
    """A TIFF in CIE Lab, whose values would pass as RGB; None for one of another kind.

    Raises:
        InputError: It has values without a range, or cannot be decoded.
    """
    from PIL import ImageCms, ImageOps
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with quiet_pillow():
            picture = TiffImageFile(io.BytesIO(data))
    except (OSError, ValueError, SyntaxError, KeyError):
        return None  # the reader of the other kinds says what is wrong
    _check_range(picture, name)
    if picture.mode != "LAB" or picture.width * picture.height > MAX_PIXELS:
        return None
    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    try:
        with quiet_pillow():
            shown = ImageOps.exif_transpose(picture)
            converted = ImageCms.profileToProfile(shown, lab, rgb, outputMode="RGB")
    except (OSError, ValueError, SyntaxError, ImageCms.PyCMSError) as error:
        raise InputError(f"{name}: cannot be decoded ({error}); replace or remove it") from None
    return Photograph(np.asarray(converted))


def _check_range(image: Image, name: str) -> None:
    if image.mode in NO_RANGE:
        raise InputError(
            f"{name}: holds numbers of which none is said to be white (mode {image.mode}); save it "
            "with 8 or 16 bits"
        )


def _of_pillow(image: Image) -> Photograph:
    """A PIL image, read through a file in memory unless it is plain RGB."""
    from PIL import ImageOps

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
    return read_picture(file.getvalue(), name)
