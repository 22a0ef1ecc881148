"""From an uploaded file to the bytes of the answer; runs in the thread of the network."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

import gfm
from gfm.cutout import Matte
from gfm.matting_model import MattingModel
from gfm.serve.limits import Refused
from rssn.images import decode_rgb, encode_alpha, encode_rgb, encode_rgba
from rssn.photographs import WEBP_SIDE

Output = Literal["rgba", "alpha", "foreground", "trimap", "page"]
Format = Literal["png", "webp"]

NAME = "the photograph"  # in messages


@dataclass(frozen=True)
class Answer:
    """The body of an answer and its type."""

    content: bytes
    media_type: str


def cut_out(model: MattingModel, data: bytes, output: Output, image_format: Format) -> Answer:
    """Matte an uploaded photograph.

    Args:
        model: A model of `gfm.load_model`.
        data: The file.
        output: What to answer with; `page` is a form with `photograph` (JPEG, upright, as the
            network got it), `rgba`, `alpha` and `trimap`.
        image_format: Of the pictures, lossless.

    Raises:
        InputError: The file cannot be decoded.
    """
    photograph = decode_rgb(data, NAME)
    coloured = output not in ("alpha", "trimap")
    made = gfm.matte(photograph, model, foreground="multilevel" if coloured else "none")
    if output != "page":
        return Answer(_encode(made, output, image_format), f"image/{image_format}")
    shown: tuple[Output, ...] = ("rgba", "alpha", "trimap")
    pictures = {name: (_encode(made, name, image_format), image_format) for name in shown}
    return _form({"photograph": (encode_rgb(photograph, "jpg"), "jpeg")} | pictures)


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


def _encode(made: Matte, output: Output, image_format: Format) -> bytes:
    if output == "rgba":
        return encode_rgba(made.foreground, made.alpha, image_format)
    if output == "foreground":
        return encode_rgb(made.foreground, image_format)
    shades = made.alpha if output == "alpha" else np.divide(made.trimap, 2, dtype=np.float32)
    if image_format == "png":
        return encode_alpha(shades)
    levels = np.rint(shades * 255).astype(np.uint8)
    return encode_rgb(np.repeat(levels[..., None], 3, axis=2), image_format)


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
