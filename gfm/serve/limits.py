"""Limits of the server in bytes, pixels and kinds, and its refusals."""

from __future__ import annotations

from dataclasses import dataclass

from gfm.models.memory import parse_memory
from rssn.imaging.errors import InputError
from rssn.imaging.headers import declared_size, image_kind

KINDS = "JPEG, PNG, WebP, TIFF or BMP"


@dataclass(frozen=True)
class Limits:
    """Limits of the server.

    Attributes:
        max_bytes: Of an uploaded file.
        max_pixels: Width times height of a photograph.
        queue: Photographs that may wait while another is worked on.
        seconds: For an upload, and again for waiting and working together.
        max_memory: Bytes that the process may hold while it mattes; None sets no limit. Large
            photographs are then matted in tiles, as by `gfm.matte`.
        sessions: Photographs under correction at the same time.
        session_memory: Bytes that they may hold together.
        idle: Seconds without a request after which a session ends.

    Raises:
        InputError: One of them is out of range.
    """

    max_bytes: int = 50_000_000
    max_pixels: int = 60_000_000
    queue: int = 8
    seconds: float = 300
    max_memory: int | None = None
    sessions: int = 64
    session_memory: int = 4_000_000_000
    idle: float = 1800

    def __post_init__(self) -> None:
        for name, least in (
            *(("max_bytes", 1), ("max_pixels", 1), ("queue", 0)),
            *(("sessions", 0), ("session_memory", 1)),
        ):
            value = getattr(self, name)
            if value < least:
                raise InputError(f"{name}={value}: {least} or more is allowed; give a larger one")
        for name, usual in (("seconds", 300), ("idle", 1800)):
            if not 0 < (value := getattr(self, name)) < float("inf"):
                raise InputError(f"{name}={value}: more than 0 is allowed; the default is {usual}")


class Refused(Exception):
    """A request that is answered with an error.

    Args:
        status: Of HTTP.
        message: What was wrong, and what to do about it.
        retry_after: Seconds after which trying again makes sense.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after = status, message, retry_after


def parse_bytes(option: str, text: str) -> int:
    """A number of bytes, such as `50MB`; `option` stands in the error.

    Raises:
        InputError: It does not read like that.
    """
    try:
        size = parse_memory(text)
    except InputError:
        size = None
    if size is None:
        raise InputError(f"{option} {text}: is no amount; write it like 500kB, 50MB or 1GB")
    return size


def check_picture(data: bytes, limits: Limits, name: str = "photograph") -> tuple[int, int]:
    """Look at the head of an uploaded file; nothing is decoded.

    Args:
        data: The file.
        limits: The limits.
        name: Of the file, in messages.

    Returns:
        Width and height in pixels, as stored.

    Raises:
        Refused: 415 another kind of file by its content, 422 a damaged head, 413 too many pixels.
    """
    if image_kind(data) is None:
        raise Refused(415, f"the {name} is no picture that can be read; send a {KINDS} file")
    width, height = declared_size(data)
    if not width * height:
        raise Refused(422, f"the {name} is damaged (a size of {width}x{height}); send another copy")
    if width * height > limits.max_pixels:
        raise Refused(
            413,
            f"the {name} has {width}x{height} pixels, {width * height / 1e6:.1f} million; at "
            f"most {limits.max_pixels / 1e6:g} million are allowed; send a smaller one",
        )
    return width, height
