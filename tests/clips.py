"""Small video clips, written and looked into by PyAV."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import Colorspace

from gfm.__main__ import main

RATE = 10  # frames a second
BT709, BT2020 = 1, 9  # by FFmpeg's numbers
CODECS = {  # lossless or nearly so
    ".avi": ("mjpeg", "yuvj420p", {"q": "2"}),
    ".mp4": ("libx264", "yuv444p", {"crf": "1"}),
    ".mkv": ("ffv1", "yuv444p", {}),
    ".webm": ("libvpx-vp9", "yuv420p", {"crf": "10"}),
}


def write_clip(
    path: Path,
    frames: Iterable[np.ndarray],
    skip: tuple[int, ...] = (),
    coding: int | None = None,
    turn: int = 0,
    sound: str | None = None,
    start: float = 0.0,
    aspect: Fraction = Fraction(1),
) -> Path:
    """A clip of frames (H, W, 3), `RATE` a second, its codec by the ending.

    Args:
        path: Where to.
        frames: Of one size.
        skip: Numbers of frames that are left out; the one before is shown longer.
        coding: Primaries and matrix of colours, `BT709` or `BT2020`, told by the file too.
        turn: Quarter turns to the left that put it upright, in degrees.
        sound: Codec of a tone as long as all frames.
        start: Seconds, of the first frame, after the beginning of the tone.
        aspect: Width over height of a pixel.
    """
    codec, pixels, options = CODECS[path.suffix]
    frames = list(frames)
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, RATE, options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.sample_aspect_ratio = pixels, aspect
        if coding:
            stream.colorspace, stream.color_primaries = coding, coding
            stream.color_trc = BT709
        if turn:
            stream.set_display_rotation(turn)
        track: Any = file.add_stream(sound, 48_000) if sound else None
        for number, frame in enumerate(frames):
            if number in skip:
                continue
            matrix = {BT709: Colorspace.ITU709, BT2020: Colorspace.BT2020}.get(coding)
            picture = av.VideoFrame.from_ndarray(frame, "rgb24").reformat(
                format=pixels, dst_colorspace=matrix
            )
            picture.pts, picture.time_base = number + round(start * RATE), Fraction(1, RATE)
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
        if track is not None:
            _write_tone(file, track, len(frames) / RATE)
    return path


def matte(*arguments: object) -> int:
    """The exit code of `gfm matte`."""
    return main(["matte", "--quiet", *map(str, arguments)])


def write_sound(path: Path) -> Path:
    """A file that has sound alone."""
    with av.open(str(path), "w") as file:
        _write_tone(file, file.add_stream("aac", 48_000), 0.2)
    return path


def streams(path: Path) -> dict[str, Any]:
    """What a file says of its first stream of each kind, and the number of its packets."""
    told: dict[str, Any] = {}
    with av.open(str(path)) as file:
        for stream in reversed(file.streams):
            told[stream.type] = {
                "codec": stream.codec_context.codec.canonical_name,
                "seconds": float((stream.duration or 0) * stream.time_base),
                "start": float((stream.start_time or 0) * stream.time_base),
                "packets": 0,
            }
            if stream.type == "video":
                told["video"]["size"] = (stream.height, stream.width)
                told["video"]["matrix"] = stream.colorspace
                told["video"]["aspect"] = stream.sample_aspect_ratio
        for packet in file.demux():
            told[packet.stream.type]["packets"] += packet.size > 0
    return told


def read_movie(path: Path, pixels: str = "rgba") -> list[np.ndarray]:
    """The frames of a movie, alpha too, which FFmpeg's own decoder of VP9 leaves out."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        decoder: Any = stream.codec_context
        if decoder.codec.canonical_name == "vp9":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        packets = [packet for packet in file.demux(stream) if packet.size]
        frames = [frame for packet in (*packets, None) for frame in decoder.decode(packet)]
        return [frame.to_ndarray(format=pixels) for frame in frames]


def read_sound(path: Path) -> np.ndarray:
    """The samples of the first channel of a file."""
    with av.open(str(path)) as file:
        resampler = av.AudioResampler("flt", "stereo", 48_000)
        frames = [part for frame in file.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0, ::2] for frame in frames])


def _write_tone(file: Any, track: Any, seconds: float) -> None:
    wave = np.sin(np.arange(round(seconds * track.rate)) * (440 * 2 * np.pi / track.rate))
    samples = np.repeat((wave * 8000).astype(np.int16), 2)[None]
    tone = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
    tone.sample_rate, tone.pts, tone.time_base = track.rate, 0, Fraction(1, track.rate)
    file.mux(track.encode(tone))
    file.mux(track.encode())
