"""Properties that a movie takes over from its clip, read by ffprobe."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Facts:
    """Properties of a clip for its movie.

    Attributes:
        sound: Codecs of its sound tracks.
        delay: Seconds by which its pictures begin after its sound.
        aspect: Width over height of a pixel, as ffmpeg writes it.
        told: What it says of the coding of its colours; None where it does not.
    """

    sound: tuple[str, ...] = ()
    delay: float = 0
    aspect: str = "1/1"
    told: str | None = None


def probe(path: Path) -> Facts:
    """Read the properties of a clip by ffprobe; those that it lacks get the usual values."""
    asked = "stream=codec_type,codec_name,start_time,sample_aspect_ratio,color_space,width,height"
    command = ["ffprobe", "-v", "quiet", "-protocol_whitelist", "file", "-of", "json"]
    command += ["-show_entries", f"{asked}:stream_side_data=rotation:format=start_time"]
    done = subprocess.run([*command, f"file:{path.absolute()}"], capture_output=True, check=False)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
        pictures = [each for each in told["streams"] if each.get("codec_type") == "video"]
        first = pictures[0]
    except (ValueError, KeyError, IndexError):
        return Facts()
    sound = [
        str(each.get("codec_name")) for each in told["streams"] if each.get("codec_type") == "audio"
    ]
    begin = float(told.get("format", {}).get("start_time", 0))
    delay = max(0.0, float(first.get("start_time", begin)) - begin)
    return Facts(tuple(sound), delay, _aspect(first), first.get("color_space"))


def _aspect(stream: dict[str, Any]) -> str:
    """Width over height of an upright pixel."""
    width, _, height = str(stream.get("sample_aspect_ratio", "1:1")).partition(":")
    turns = [each.get("rotation", 0) for each in stream.get("side_data_list", [])]
    if any(int(turn) % 180 for turn in turns):
        width, height = height, width
    return f"{width}/{height}" if width.isdigit() and int(width) and int(height) else "1/1"
