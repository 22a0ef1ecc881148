"""Movies with an alpha channel, and with the sound of the clip, written by PyAV."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from gfm.video.clip import EXACT, UNTOLD, Clip, decodable, open_file, readable
from gfm.video.formats import Container
from rssn.imaging.errors import InputError

Pixels: TypeAlias = NDArray[np.uint8]

# FFmpeg's numbers for matrices, primaries and curves of colours. Where a clip tells no matrix,
# decoder and scaler take that of SMPTE 170M, which BT.470 BG has too.
BT709, BT470BG, SMPTE170M = 1, 5, 6
SAMPLE_RATE = 48_000  # of sound, for encoders that do not take that of the clip


def check_encoders(container: Container) -> None:
    """Check that FFmpeg has the encoders of a container.

    Raises:
        InputError: It lacks one, as builds of FFmpeg other than that in PyAV's wheels may do.
    """
    for name in (container.encoder, container.sound_encoder):
        if name not in av.codecs_available:
            raise InputError(
                f"{container.name} movies need the encoder {name}, which this build of PyAV lacks; "
                "install its wheel (pip install --only-binary av), or choose another --out"
            )


@contextmanager
def open_movie(
    path: Path, container: Container, clip: Clip, see_through: bool = False
) -> Iterator[Callable[[Pixels, int], None]]:
    """Open a movie that gets its frames one by one, at a constant rate, beside the clip's sound.

    Yields a function that appends a frame, shown for a number of periods: uint8 (H, W), (H, W, 3)
    or, in a movie that is `see_through`, (H, W, 4).

    Args:
        path: Where to, whatever its ending.
        container: How.
        clip: What the frames are made from: gives size, rate, sound and the shape of pixels.
        see_through: Write alpha.

    Raises:
        av.FFmpegError: The movie cannot be written; also from the function, and at the end.

    Note:
        Where a clip does not tell how its colours are coded, those of the movie are coded as they
        were decoded, and it does not tell either: so both look alike in every player.
    """
    options = dict(container.file_options)
    with (
        open_file(clip.path) as source,
        av.open(str(path.absolute()), "w", container.name, container_options=options) as file,
    ):
        pictures = _add_pictures(file, container, clip, see_through)
        tracks = {track.index: _add_sound(file, container, track) for track in source.streams.audio}
        sound = _copy_sound(source, file, tracks, clip.start)
        scaler, shown, heard = VideoReformatter(), 0, 0.0

        def append(pixels: Pixels, times: int = 1) -> None:
            nonlocal shown, heard
            picture = _encodable(pixels, pictures, scaler)
            for _ in range(times):
                picture.pts, picture.time_base = shown, 1 / clip.rate
                file.mux(pictures.encode(picture))
                shown += 1
            while heard <= shown / clip.rate:
                heard = next(sound, math.inf)

        yield append
        file.mux(pictures.encode())
        for _ in sound:
            pass


def _add_pictures(
    file: OutputContainer, container: Container, clip: Clip, see_through: bool
) -> VideoStream:
    made = file.add_stream(container.encoder, clip.rate, dict(container.options))
    stream = cast(VideoStream, made)
    stream.width, stream.height = (
        side + side % 2 if container.even else side for side in (clip.width, clip.height)
    )
    stream.pix_fmt = container.see_through if see_through else container.opaque
    stream.codec_context.sample_aspect_ratio = clip.aspect
    if clip.matrix != UNTOLD:
        stream.colorspace = SMPTE170M if clip.matrix in (BT470BG, SMPTE170M) else BT709
        stream.color_primaries = stream.color_trc = BT709
        stream.color_range = ColorRange.MPEG
    return stream


def _encodable(pixels: Pixels, stream: VideoStream, scaler: VideoReformatter) -> av.VideoFrame:
    """A frame as the stream codes it; its last row and column are repeated to even sides."""
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    edge = ((0, stream.height - pixels.shape[0]), (0, stream.width - pixels.shape[1]), (0, 0))
    pixels = np.ascontiguousarray(np.pad(pixels, edge, "edge"))
    picture = scaler.reformat(
        av.VideoFrame.from_ndarray(pixels, "rgba" if pixels.shape[2] == 4 else "rgb24"),
        format=stream.pix_fmt,
        dst_colorspace=Colorspace.ITU709 if stream.colorspace == BT709 else Colorspace.SMPTE170M,
        dst_color_range=ColorRange.MPEG,
        interpolation=EXACT,
    )
    # Some encoders write what the picture tells, some what the stream does.
    for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
        setattr(picture, name, getattr(stream, name))
    return picture


def _add_sound(file: OutputContainer, container: Container, track: AudioStream) -> AudioStream:
    """A track for one of the clip: of its codec where the container takes that."""
    if track.codec_context.codec.canonical_name in container.sound:
        made = file.add_stream_from_template(track)
    else:
        rates = av.Codec(container.sound_encoder, "w").audio_rates or [track.rate]
        rate = track.rate if track.rate in rates else SAMPLE_RATE
        made = cast(AudioStream, file.add_stream(container.sound_encoder, rate))
        # The usual layout of so many channels: PCM tells none, and Opus takes few others.
        made.codec_context.layout = f"{track.channels}c"
    made.metadata.update(track.metadata)  # its language
    return made


def _copy_sound(
    source: InputContainer, file: OutputContainer, tracks: dict[int, AudioStream], start: float
) -> Iterator[float]:
    """Copy sound packet by packet; yields the seconds in the movie up to which it got.

    The movie begins at `start` seconds of the clip; sound before that would put it out of step.
    """
    if not tracks:
        return
    for packet in readable(source, *source.streams.audio):
        track = tracks[packet.stream.index]  # stream_index is 0 at the end
        encoded = track.codec_context.is_encoder  # others are copied as they are
        parts: Sequence[Any] = decodable(packet) if encoded else [packet]
        for part in parts:
            if part.pts is None:  # the mark of the end
                continue
            part.pts -= round(start / part.time_base)
            if part.pts + (part.duration or 0) < 0:
                continue
            if not encoded:
                part.dts, part.stream = part.pts, track
            file.mux(track.encode(part) if encoded else part)
            yield float(part.pts * part.time_base)
    for track in tracks.values():
        if track.codec_context.is_encoder:
            file.mux(track.encode())
