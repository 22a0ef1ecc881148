"""Movies with an alpha channel, and with the sound of the clip, written by ffmpeg."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gfm.video.clip import Clip
from gfm.video.facts import Facts, probe
from rssn.imaging.errors import InputError

Pixels = NDArray[np.uint8]

# Matrices by which colours are coded, as ffprobe and as ffmpeg's scaler call them. Where a clip
# tells none, decoder and scaler take that of SMPTE 170M.
MATRICES = {"bt709": "bt709", "bt2020nc": "bt709", "smpte170m": "smpte170m", "bt470bg": "smpte170m"}
UNTOLD = "smpte170m"


@dataclass(frozen=True)
class Container:
    """Container and codecs for one kind of movie.

    Attributes:
        name: ffmpeg's for the container.
        video: Options of the codec.
        opaque: Format of pixels without alpha.
        see_through: With alpha; None where the codec has none.
        sound: Codecs that the container takes as they are; others become the first.
        encoder: Of sound, for that.
        even: Whether sides have to be even.
    """

    name: str
    video: tuple[str, ...]
    opaque: str
    see_through: str | None
    sound: tuple[str, ...]
    encoder: str
    even: bool = False


CONTAINERS = {
    ".mov": Container(
        "mov",
        ("-c:v", "prores_ks", "-profile:v", "4444", "-vendor", "apl0"),
        "yuv444p10le",
        "yuva444p10le",
        ("aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"),
        "aac",
    ),
    ".webm": Container(
        "webm",
        ("-c:v", "libvpx-vp9", "-crf", "18", "-b:v", "0", "-cpu-used", "4", "-auto-alt-ref", "0"),
        "yuv420p",
        "yuva420p",
        ("opus", "vorbis"),
        "libopus",
    ),
    ".mp4": Container(
        "mp4",
        ("-c:v", "libx264", "-crf", "16", "-movflags", "+faststart"),
        "yuv420p",
        None,
        ("aac", "mp3", "ac3"),
        "aac",
        even=True,
    ),
}


class MovieWriter:
    """A movie that gets its frames one by one, at a constant rate; a context.

    Args:
        path: Where to, whatever its ending.
        container: How.
        clip: What the frames are made from: gives rate, sound and the shape of pixels.

    Raises:
        InputError: ffmpeg is not there, or (from any call) cannot write the movie.

    Note:
        Where a clip does not tell how its colours are coded, those of the movie are coded as they
        were decoded, and it does not tell either: so both look alike in every player.
    """

    def __init__(self, path: Path, container: Container, clip: Clip) -> None:
        self.path, self.container, self.clip = path, container, clip
        find_ffmpeg()
        self._messages = tempfile.TemporaryFile()  # a pipe would fill and stop ffmpeg
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, pixels: Pixels, times: int = 1) -> None:
        """Append a frame (H, W), (H, W, 3) or (H, W, 4), uint8, shown for so many periods."""
        if pixels.ndim == 2:  # ffmpeg does not know which of its greys is white
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        if self.container.even:
            edge = ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0))
            pixels = np.pad(pixels, edge, "edge")
        if self._process is None:
            self._process = self._start(pixels)
        try:
            for _ in range(times):
                self._process.stdin.write(np.ascontiguousarray(pixels).data)  # type: ignore[union-attr]
        except OSError:  # ffmpeg ended; it says why
            raise self._failure() from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._process is not None and self._ends_badly(self._process):
                raise self._failure()
        finally:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
            self._messages.close()

    def _start(self, pixels: Pixels) -> subprocess.Popen[bytes]:
        height, width, channels = pixels.shape
        facts = probe(self.clip.path)
        # A movie begins with its pictures; sound that was before them would put it out of step.
        late = ("-ss", f"{facts.delay:.6f}") if facts.delay > 0 else ()
        clip = (*late, "-protocol_whitelist", "file", "-i", f"file:{self.clip.path.absolute()}")
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo"]
        command += ["-pix_fmt", "rgba" if channels == 4 else "rgb24", "-s", f"{width}x{height}"]
        command += ["-framerate", str(self.clip.rate), "-i", "pipe:0"]
        command += [*(clip if facts.sound else ()), "-map", "0:v"]
        command += self._picture_options(facts, channels == 4) + self._sound_options(facts)
        command += ["-f", self.container.name, f"file:{self.path.absolute()}"]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._messages
        )

    def _picture_options(self, facts: Facts, see_through: bool) -> list[str]:
        matrix = UNTOLD if facts.told is None else MATRICES.get(facts.told, "bt709")
        stored = self.container.see_through if see_through else self.container.opaque
        steps = [
            f"scale=out_color_matrix={matrix}:out_range=tv:flags=accurate_rnd+full_chroma_int",
            f"format={stored}",
            f"setsar={facts.aspect}",
        ]
        if facts.told is not None:
            told = f"colorspace={matrix}:color_primaries=bt709:color_trc=bt709:range=tv"
            steps.append(f"setparams={told}")
        return ["-vf", ",".join(steps), *self.container.video]

    def _sound_options(self, facts: Facts) -> list[str]:
        options = ["-map", "1:a"] if facts.sound else []
        for index, codec in enumerate(facts.sound):
            kept = codec in self.container.sound
            options += [f"-c:a:{index}", "copy" if kept else self.container.encoder]
        return options

    def _ends_badly(self, process: subprocess.Popen[bytes]) -> bool:
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        return process.wait() != 0

    def _failure(self) -> InputError:
        if self._process is not None:
            self._process.wait()
        self._messages.seek(0)
        lines = self._messages.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "ffmpeg gives no reason"
        return InputError(f"the movie cannot be written by ffmpeg ({reason})")


def find_ffmpeg() -> None:
    """Check that ffmpeg can be called.

    Raises:
        InputError: It or ffprobe is not there.
    """
    for program in ("ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            raise InputError(
                f"a movie needs {program}, which is not there; install ffmpeg (apt install ffmpeg, "
                "brew install ffmpeg), or give a folder, which gets the frames as pictures"
            )
