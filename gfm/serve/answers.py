"""From an uploaded file to the bytes of the answer; runs in the thread of the network."""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PIL import Image

import gfm
from gfm.inference.files import Results
from gfm.models.contract import MattingModel
from gfm.models.options import ForegroundMethod
from gfm.serve.limits import Refused
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import WEBP_SIDE, Photograph, encode_picture, read_photograph

Drawn = Literal["rgba", "alpha", "foreground", "trimap"]
Output = Literal[Drawn, "page"]
Format = Literal["png", "webp"]

NAME = "the photograph"  # in messages
ON_PAGE: tuple[Drawn, ...] = ("rgba", "alpha", "trimap")
JPEG_SIDE = 65_500  # px; libjpeg writes no more


@dataclass(frozen=True)
class Answer:
    """The body of an answer and its type."""

    content: bytes
    media_type: str


def cut_out(
    model: MattingModel,
    data: bytes,
    output: Output,
    image_format: Format,
    max_memory: int | None = None,
) -> Answer:
    """Matte an uploaded photograph, read as `gfm matte` reads it.

    Args:
        model: A model of `gfm.load_model`.
        data: The file.
        output: What to answer with; `page` is a form with `photograph` (upright, as the network
            got it), `rgba`, `alpha` and `trimap`.
        image_format: Of the pictures, lossless; those with colours keep the photograph's profile.
        max_memory: As for `gfm.matte`.

    Raises:
        InputError: The file cannot be decoded.
        MemoryError: The photograph needs more memory than is there or allowed.
    """
    photograph = read_photograph(data, NAME)
    shown = ON_PAGE if output == "page" else (output,)
    results = {name: Results(None, (name,), image_format) for name in shown}
    coloured = any(each.coloured for each in results.values())
    foreground: ForegroundMethod | None = None if coloured else "none"
    try:
        made = gfm.matte(photograph.pixels, model, foreground=foreground, max_memory=max_memory)
    except InputError as error:  # of all options, only this limit depends on the photograph
        raise MemoryError(str(error)) from error
    pictures = {name: each.encode(name, photograph, made) for name, each in results.items()}
    if output != "page":
        return Answer(pictures[output], f"image/{image_format}")
    parts: dict[str, tuple[bytes, str]] = {"photograph": _encode_photograph(photograph)}
    parts.update({name: (picture, image_format) for name, picture in pictures.items()})
    return _form(parts)


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


def _encode_photograph(photograph: Photograph) -> tuple[bytes, str]:
    """A JPEG, which is small and which every browser shows, and its kind."""
    if max(photograph.pixels.shape) > JPEG_SIDE:
        return encode_picture(photograph.pixels, "png", photograph.profile), "png"
    file = io.BytesIO()
    image = Image.fromarray(photograph.pixels)
    image.save(file, "jpeg", quality=95, subsampling=0, icc_profile=photograph.profile)
    return file.getvalue(), "jpeg"


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
