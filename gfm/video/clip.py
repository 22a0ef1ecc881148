"""Frames of a video file, upright and as sRGB, decoded by PyAV."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.container import InputContainer
from av.video.reformatter import (
    ColorPrimaries,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.locations import told_errors

USUAL_RATE = Fraction(25)  # frames a second, where a file tells nothing that can be true
HIGH_RATE = 120  # of what files say, more is looked at: some mean their clock with it
LOOKED_AT = 30  # frames, for the rate
# A clip counts as cut where both this part of it and these seconds are missing.
MISSING_PART, MISSING_SECONDS = 0.1, 1.0
UNTOLD = 2  # FFmpeg's number for a matrix of colours that is not told
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


class Frame(NamedTuple):
    """One picture of a clip.

    Attributes:
        pixels: uint8 RGB (H, W, 3).
        seconds: When it is shown, by the clock of the file; 0 where that has none.
    """

    pixels: NDArray[np.uint8]
    seconds: float


@dataclass(frozen=True)
class Clip:
    """A video file whose first frame can be read.

    Attributes:
        path: The file.
        width: Pixels, of the upright picture.
        height: Pixels, of the upright picture.
        rate: Frames a second in the mean.
        count: About how many frames there are; None where the file does not tell.
        start: Seconds, of the first frame.
        aspect: Width over height of an upright pixel.
        matrix: By which its colours are coded, by FFmpeg's number; `UNTOLD` where it does not tell.
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    count: int | None
    start: float = 0
    aspect: Fraction = Fraction(1)
    matrix: int = UNTOLD

    def frames(self) -> Iterator[Frame]:
        """Yield every frame once, whatever the time between them."""
        scaler = VideoReformatter()
        with open_file(self.path) as file:
            for picture in _pictures(file):
                pixels = _to_rgb(picture, scaler).to_ndarray()
                upright = np.ascontiguousarray(np.rot90(pixels, _quarters(picture)), np.uint8)
                yield Frame(upright, picture.time or 0.0)

    def lack(self, number: int, seconds: float) -> str | None:
        """Describe the damage if only `number` frames could be read, the last shown at `seconds`.

        None if nothing is: files tell their length inexactly.
        """
        if self.count is None or number >= self.count:
            return None
        whole = self.count / float(self.rate)
        missing = whole - (seconds - self.start)
        if missing <= max(MISSING_SECONDS, MISSING_PART * whole):
            return None
        return (
            f"{self.path}: ends after {number} frames, {missing:.1f} s too early; these are done, "
            "for the rest copy the file again"
        )


def steady(frames: Iterable[Frame], rate: Fraction) -> Iterator[tuple[Frame, int]]:
    """Yield each frame with its number of periods at a constant rate; 0 drops it."""
    shown, first, waiting = 0, 0.0, None
    for frame in frames:
        if waiting is None:
            first = frame.seconds
        else:
            # Files without times have 0 for all.
            known = frame.seconds > waiting.seconds
            until = round((frame.seconds - first) * float(rate)) if known else shown + 1
            yield waiting, max(0, until - shown)
            shown = max(shown, until)
        waiting = frame
    if waiting is not None:
        yield waiting, 1


def open_clip(path: Path) -> Clip:
    """Look at a video file.

    Raises:
        InputError: It is missing, empty, no video, or has no frame that can be read.
    """
    with told_errors(path, "check the path"), path.open("rb") as file:
        if not file.read(1):
            raise InputError(f"{path}: is empty (0 bytes); replace or remove it")
    with suppress(av.FFmpegError), open_file(path) as video:
        pictures = _pictures(video)
        if (first := next(pictures, None)) is not None:
            return _describe(path, video, first, pictures)
    raise InputError(
        f"{path}: has no picture that can be read (damaged, only sound, or no video); replace or "
        "remove it"
    )


@contextmanager
def open_file(path: Path) -> Iterator[InputContainer]:
    """A video file, to read its streams; it leads to nothing else.

    Raises:
        av.FFmpegError: It cannot be read.
    """
    # A playlist that calls itself .mp4 must not lead into the network. An absolute path is no URL.
    # Titles are in any coding.
    options = {"protocol_whitelist": "file"}
    with av.open(str(path.absolute()), options=options, metadata_errors="replace") as file:
        yield file


def readable(file: InputContainer, *streams: av.stream.Stream) -> Iterator[av.Packet[Any]]:
    """The packets of some streams, until the file ends or is damaged."""
    with suppress(av.FFmpegError):
        yield from file.demux(*streams)


def decodable(packet: av.Packet[Any]) -> Sequence[Any]:
    """The pictures or the sound of a packet; nothing of a damaged one."""
    with suppress(av.error.InvalidDataError):
        return packet.decode()
    return ()


def _describe(
    path: Path, file: InputContainer, first: av.VideoFrame, rest: Iterator[av.VideoFrame]
) -> Clip:
    stream = file.streams.video[0]
    rate, count = stream.average_rate, stream.frames
    if not rate or rate > HIGH_RATE:
        times = [each.time or 0.0 for each in (first, *islice(rest, LOOKED_AT - 1))]
        step = statistics.median([after - before for before, after in pairwise(times)] or [0])
        rate, count = 1 / Fraction(step) if step > 0 else USUAL_RATE, 0
    rate = Fraction(rate).limit_denominator(1001)  # such as 30000/1001
    if not count and file.duration:
        count = round(file.duration * rate / av.time_base)
    width, height, aspect = first.width, first.height, stream.sample_aspect_ratio or Fraction(1)
    if _quarters(first) % 2:
        width, height, aspect = height, width, 1 / aspect
    start, matrix = first.time or 0.0, first.colorspace
    return Clip(path, width, height, rate, count or None, start, aspect, matrix)


def _pictures(file: InputContainer) -> Iterator[av.VideoFrame]:
    """The pictures of the first track that has some, as far as they can be read."""
    if not file.streams.video:
        return
    stream = file.streams.video[0]
    stream.thread_type = "AUTO"
    for packet in readable(file, stream):
        yield from decodable(packet)


def _to_rgb(picture: av.VideoFrame, scaler: VideoReformatter) -> av.VideoFrame:
    try:
        # Light as in HD, whose curve players show as sRGB; HDR and wide colours are mapped to it.
        return scaler.reformat(
            picture,
            format="rgb24",
            interpolation=EXACT,
            dst_color_trc=ColorTrc.BT709,
            dst_color_primaries=ColorPrimaries.BT709,
        )
    except av.FFmpegError:  # a file that names curves or primaries that nobody defined
        return scaler.reformat(picture, format="rgb24", interpolation=EXACT)


def _quarters(picture: av.VideoFrame) -> int:
    """Quarter turns to the left that put a picture upright."""
    return round(picture.rotation / 90)
