"""From uploaded files to the bytes of the answer; runs in the thread of the network."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import gfm
from gfm.guidance.guidance import Guidance
from gfm.guidance.trimap_files import check_trimap
from gfm.inference.cutout import Matte
from gfm.inference.files import Results
from gfm.inference.guidance import as_mask
from gfm.serve.correcting import Models
from gfm.serve.limits import Refused
from gfm.serve.upload import Files
from rssn.imaging.photographs import WEBP_SIDE, Photograph, encode_picture, read_photograph
from rssn.imaging.reading import decode_alpha, read_pixels
from rssn.imaging.resizing import resize

Output = Literal["rgba", "alpha", "foreground", "trimap"]
Format = Literal["png", "webp"]

Pixels = TypeVar("Pixels", bound=NDArray[Any])

NAME = "the photograph"  # in messages
JPEG_SIDE = 65_500  # px; libjpeg writes no more
LOSSY = {"quality": 90}


@dataclass(frozen=True)
class Answer:
    """The body of an answer and its type."""

    content: bytes
    media_type: str


def read_guidance(files: Files, photograph: Photograph) -> Guidance:
    """Guidance of an upload.

    Raises:
        InputError: It cannot be read, or does not fit the photograph.
    """
    height, width = photograph.pixels.shape[:2]
    trimap = mask = None
    if files.trimap is not None:
        levels = read_pixels(files.trimap, "the trimap")
        trimap = check_trimap(levels, (height, width), "the trimap")
    if files.mask is not None:
        mask = as_mask(decode_alpha(files.mask, "the mask"), (height, width), "the mask")
    return Guidance(trimap, mask)


def cut_out(models: Models, files: Files, output: Output, image_format: Format) -> Answer:
    """Matte an uploaded photograph, read as `gfm matte` reads it.

    Args:
        models: To matte with.
        files: The photograph, and perhaps its trimap or mask.
        output: What to answer with.
        image_format: Of the picture, lossless; one with colours keeps the photograph's profile.

    Raises:
        InputError: A file cannot be decoded, or guidance does not fit.
    """
    photograph = read_photograph(files.image, NAME)
    guidance = read_guidance(files, photograph)
    coloured = Results(None, (output,), image_format).coloured
    made = gfm.matte(
        photograph.pixels,
        models.model_for(guidance),
        trimap=guidance.trimap,
        mask=guidance.mask,
        foreground=None if coloured else "none",
        max_memory=models.max_memory,
    )
    return draw(made, photograph, output, image_format)


def draw(
    made: Matte, photograph: Photograph, output: Output, image_format: Format, side: int = 0
) -> Answer:
    """A matte as a picture.

    Args:
        made: The matte.
        photograph: That it belongs to.
        output: Which part of it.
        image_format: Lossless.
        side: The longer side is at most this, in px; 0 sets no limit.
    """
    results = Results(None, (output,), image_format)
    content = results.encode(output, photograph, reduced(made, side))
    return Answer(content, f"image/{image_format}")


def draw_layers(made: Matte, photograph: Photograph, side: int = 0) -> Answer:
    """Colours of the object (JPEG) and its opacity (PNG) apart, which is small and quick.

    The answer is a form with the parts `colours` and `opacity`; the opacity is the alpha channel of
    a black picture, as which a browser lays it on the colours.
    """
    made = reduced(made, side)
    levels = np.rint(made.alpha * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.dstack([np.zeros_like(levels), levels])).save(file, "png", compress_level=1)
    colours = encode_lossy(made.foreground, photograph.profile)
    return _form({"colours": colours, "opacity": (file.getvalue(), "png")})


def draw_photograph(photograph: Photograph, side: int = 0) -> Answer:
    """The photograph, upright and of a kind that every browser shows."""
    content, kind = encode_lossy(_smaller(photograph.pixels, side), photograph.profile)
    return Answer(content, f"image/{kind}")


def reduced(made: Matte, side: int) -> Matte:
    """A matte whose longer side is at most `side` px; 0 sets no limit."""
    alpha = _smaller(made.alpha, side)
    height, width = alpha.shape
    trimap = resize(made.trimap, (height, width), "nearest", "nearest")
    return Matte(alpha, _smaller(made.foreground, side), trimap, made.profile)


def check_format(image_format: Format, width: int, height: int) -> None:
    """See that the answer can be written.

    Raises:
        Refused: 422, WebP and too long a side.
    """
    if image_format == "webp" and max(width, height) > WEBP_SIDE:
        raise Refused(
            422,
            f"format='webp' holds at most {WEBP_SIDE} px a side and the photograph has "
            f"{width}x{height}; choose format='png'",
        )


def encode_lossy(pixels: NDArray[np.uint8], profile: bytes | None) -> tuple[bytes, str]:
    """A JPEG and its kind; a PNG where a side is too long for that."""
    if max(pixels.shape) > JPEG_SIDE:
        return encode_picture(pixels, "png", profile), "png"
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", icc_profile=profile, **LOSSY)
    return file.getvalue(), "jpeg"


def _smaller(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = side / max(height, width) if side else 1.0
    if scale >= 1:
        return pixels
    return resize(pixels, (max(1, round(scale * height)), max(1, round(scale * width))))


def _form(pictures: Mapping[str, tuple[bytes, str]]) -> Answer:
    """A multipart/form-data body, which a browser reads with `Response.formData()`."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, (content, kind) in pictures.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
            f'filename="{name}.{kind}"\r\nContent-Type: image/{kind}\r\n\r\n'
        )
        parts += [head.encode(), content, b"\r\n"]
    content = b"".join([*parts, f"--{boundary}--\r\n".encode()])
    return Answer(content, f"multipart/form-data; boundary={boundary}")
