"""Video files that are read, and movies that are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rssn.imaging.errors import InputError

SUFFIXES = frozenset(
    ".mp4 .mov .m4v .mkv .webm .avi .mpg .mpeg .mts .m2ts .ts .wmv .flv .3gp .ogv".split()
)


@dataclass(frozen=True)
class Container:
    """Container and codecs for one kind of movie, by their names in FFmpeg.

    Attributes:
        name: Of the container.
        encoder: Of pictures.
        options: Of this encoder.
        opaque: Format of pixels without alpha.
        see_through: With alpha; None where the codec has none.
        sound: Codecs of sound that the container takes as they are.
        sound_encoder: For all others.
        even: Whether sides have to be even.
        file_options: Of the container.
    """

    name: str
    encoder: str
    options: Mapping[str, str]
    opaque: str
    see_through: str | None
    sound: tuple[str, ...]
    sound_encoder: str
    even: bool = False
    file_options: Mapping[str, str] = field(default_factory=dict)


CONTAINERS = {
    ".mov": Container(
        "mov",
        "prores_ks",
        {"profile": "4444", "vendor": "apl0"},
        "yuv444p10le",
        "yuva444p10le",
        ("aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"),
        "aac",
    ),
    ".webm": Container(
        "webm",
        "libvpx-vp9",
        {"crf": "18", "b": "0", "cpu-used": "4", "auto-alt-ref": "0"},
        "yuv420p",
        "yuva420p",
        ("opus", "vorbis"),
        "libopus",
    ),
    ".mp4": Container(
        "mp4",
        "libx264",
        {"crf": "16"},
        "yuv420p",
        None,
        ("aac", "mp3", "ac3"),
        "aac",
        even=True,
        file_options={"movflags": "faststart"},  # browsers show it before they have all
    ),
}


def is_clip(path: Path) -> bool:
    """Return True if the ending of a path is one of a video file."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


def find_clip(inputs: Sequence[str]) -> Path | None:
    """The video file among the inputs.

    Raises:
        InputError: There is anything else beside it.
    """
    clips = [path for path in map(Path, inputs) if is_clip(path)]
    if clips and len(inputs) > 1:
        raise InputError(f"{clips[0]} is a video, which is matted by itself; give it alone")
    return clips[0] if clips else None


def movie_container(out: Path) -> Container | None:
    """Return the container for a movie of this name, None for a folder of frames.

    Raises:
        InputError: It is a movie of another kind.
    """
    if out.is_dir():
        return None
    suffix = out.suffix.lower()
    if suffix in SUFFIXES and suffix not in CONTAINERS:
        raise InputError(
            f"--out {out}: movies are written as {', '.join(CONTAINERS)}; choose one of these, or "
            "a folder for frames"
        )
    return CONTAINERS.get(suffix)
