"""Frames of a video file, upright and as sRGB, by the decoder that OpenCV brings along."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.locations import told_errors
from rssn.imaging.quiet import quiet_opencv

SUFFIXES = frozenset(
    ".mp4 .mov .m4v .mkv .webm .avi .mpg .mpeg .mts .m2ts .ts .wmv .flv .3gp .ogv".split()
)
USUAL_RATE = Fraction(25)  # frames a second, where a file tells nothing that can be true
HIGH_RATE = 120  # of what files say, more is looked at: some mean their clock with it
LOOKED_AT = 30  # frames, for the rate
# A clip counts as cut where both this part of it and these seconds are missing.
MISSING_PART, MISSING_SECONDS = 0.1, 1.0


class Frame(NamedTuple):
    """One picture of a clip.

    Attributes:
        pixels: uint8 RGB (H, W, 3).
        seconds: When it is shown, from the beginning of the file.
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
    """

    path: Path
    width: int
    height: int
    rate: Fraction
    count: int | None

    def frames(self) -> Iterator[Frame]:
        """Yield every frame once, whatever the time between them."""
        return _decode(self.path)

    def lack(self, number: int, seconds: float) -> str | None:
        """Describe the damage if only `number` frames could be read, the last shown at `seconds`.

        None if nothing is: files tell their length inexactly.
        """
        if self.count is None or number >= self.count:
            return None
        whole = self.count / float(self.rate)
        missing = whole - seconds
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


def is_clip(path: Path) -> bool:
    """Return True if the ending of a path is one of a video file."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def open_clip(path: Path) -> Clip:
    """Look at a video file.

    Raises:
        InputError: It is missing, empty, no video, or has no frame that can be read.
    """
    with told_errors(path, "check the path"), path.open("rb") as file:
        if not file.read(1):
            raise InputError(f"{path}: is empty (0 bytes); replace or remove it")
    first = next(_decode(path), None)
    if first is None:
        raise InputError(
            f"{path}: has no picture that can be read (damaged, only sound, or no video); replace "
            "or remove it"
        )
    capture = _capture(path)
    try:
        stated, frames = (
            capture.get(each) for each in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT)
        )
    finally:
        capture.release()
    rate = _rate(path, stated)
    told = math.isfinite(frames) and frames >= 1 and 0 < stated <= HIGH_RATE
    height, width = first.pixels.shape[:2]
    return Clip(path, width, height, rate, int(frames) if told else None)


def _rate(path: Path, stated: float) -> Fraction:
    if not (math.isfinite(stated) and 0 < stated <= HIGH_RATE):
        times = [frame.seconds for frame in islice(_decode(path), LOOKED_AT)]
        steps = [after - before for before, after in pairwise(times)]
        step = statistics.median(steps) if steps else 0
        stated = 1 / step if step > 0 else float(USUAL_RATE)
    return Fraction(stated).limit_denominator(1001)  # such as 30000/1001


def _decode(path: Path) -> Iterator[Frame]:
    capture = _capture(path)
    try:
        while True:
            there, pixels = capture.read()
            if not there:
                return
            rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
            yield Frame(rgb, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    finally:
        capture.release()


def _capture(path: Path) -> cv2.VideoCapture:
    """An open file, or nothing to read from; the decoder's own messages are kept quiet."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # A playlist that calls itself .mp4 must not lead into the network.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
    with quiet_opencv():
        return cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
