"""A long clip takes no more memory than a short one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clips import write_clip
from tiny import clip_frame

ROOT = Path(__file__).parents[2]
COUNT, SETTLED = 400, 100  # frames
GROWTH = 30e6  # bytes, twice what a frame takes for moments; 400 frames that stayed: 92 MB


def resident(process: int) -> int:
    """Bytes that a process holds in main memory; 0 once it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, IndexError):
        return 0


def matte_clip(clip: Path, out: Path) -> list[tuple[int, int]]:
    """Matte a clip into frames by the command; by and by frames that are done, and bytes held."""
    command = ["matte", str(clip), "--out", str(out), "--outputs", "alpha", "--quiet"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gfm", *command],
        stderr=subprocess.DEVNULL,
    )
    held = []
    while process.poll() is None:
        time.sleep(0.1)
        done = len(list((out / "alpha").glob("*.png"))) if out.exists() else 0
        held.append((done, resident(process.pid)))
    assert process.returncode == 0
    return [each for each in held if each[1]]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_memory_is_flat_over_a_long_clip(tmp_path):
    frames = (clip_frame(number, 240, 320) for number in range(COUNT))
    held = matte_clip(write_clip(tmp_path / "clip.mp4", frames), tmp_path / "frames")
    assert len(list((tmp_path / "frames" / "alpha").iterdir())) == COUNT
    first = max(size for done, size in held if done <= SETTLED)
    # The end of the process takes 100 MB for a moment, whatever the clip's length.
    later = max(size for done, size in held if SETTLED < done < COUNT)
    assert later - first < GROWTH
