"""Encoding and writing of images and mattes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from rssn.imaging.errors import InputError
from rssn.imaging.images import Alpha, ImageFormat, Pixels, Uint8Image
from rssn.imaging.jpeg_parts import BLOCK, INTERVAL

_QUALITY: dict[ImageFormat, list[int]] = {
    "jpg": [
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ],
    "png": [cv2.IMWRITE_PNG_COMPRESSION, 3],
    "webp": [cv2.IMWRITE_WEBP_QUALITY, 101],  # above 100 means lossless
}


def encode_rgb(image: Uint8Image, image_format: ImageFormat = "jpg") -> bytes:
    """Encode uint8 RGB (H, W, 3): JPEG quality 95 with full colour (4:4:4), or lossless.

    A JPEG has restart markers for `decode_rgb_part`; they take about 1.5 % of a photograph's bytes.
    """
    options = [*_QUALITY[image_format]]
    if image_format == "jpg":
        columns = -(-image.shape[1] // BLOCK)
        options += [cv2.IMWRITE_JPEG_RST_INTERVAL, min(INTERVAL, columns)]
    return encode(f".{image_format}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)


def encode_alpha(alpha: Alpha) -> bytes:
    """Encode a matte (H, W) in [0, 1] as a grey PNG, rounded to 8 bits."""
    levels = np.rint(np.clip(alpha, 0, 1).astype(np.float64) * 255).astype(np.uint8)
    # Undoing a filter takes longer than inflating, and it saves a sixth of the bytes.
    unfiltered = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE]
    return encode(".png", levels, [*_QUALITY["png"], *unfiltered])


def write_rgb(path: Path, image: Uint8Image) -> None:
    """Write uint8 RGB (H, W, 3) in the format of the suffix (.jpg, .png or .webp)."""
    path.write_bytes(encode_rgb(image, _format_of(path)))


def write_alpha(path: Path, alpha: Alpha) -> None:
    """Write a matte (H, W) in [0, 1] as a grey PNG of 8 bits."""
    path.write_bytes(encode_alpha(alpha))


def write_rgba(path: Path, image: Uint8Image, alpha: Alpha) -> None:
    """Write a cut-out, uint8 RGB (H, W, 3) with alpha (H, W) in [0, 1], as an RGBA PNG."""
    levels = np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)
    pixels = np.dstack([cv2.cvtColor(image, cv2.COLOR_RGB2BGR), levels])
    path.write_bytes(encode(".png", pixels, _QUALITY["png"]))


def encode(suffix: str, pixels: Pixels, options: list[int]) -> bytes:
    """Encode pixels in OpenCV's order of channels, with its options."""
    done, data = cv2.imencode(suffix, pixels, options)
    if not done:
        raise InputError(f"an image of shape {pixels.shape} cannot be encoded as {suffix}")
    return data.tobytes()


def _format_of(path: Path) -> ImageFormat:
    suffix = path.suffix.lower().lstrip(".").replace("jpeg", "jpg")
    if suffix not in ("jpg", "png", "webp"):
        raise InputError(f"{path}: cannot write '{path.suffix}'; choose .jpg, .png or .webp")
    return suffix  # type: ignore[return-value]
