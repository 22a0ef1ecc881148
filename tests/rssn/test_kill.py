"""Builds that are killed, and disks that are full: what a resume ends with is the same."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawings import draw_disc, draw_picture
from test_build import contents

from rssn import denoise
from rssn.images import write_alpha, write_rgb

pytestmark = pytest.mark.slow

KILLS = 20


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A build, without --out, of 30 samples in 15 shards that denoises half of its inputs."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("original", "mask", "backgrounds"):
        (folder / name).mkdir()
    for number in range(10):
        write_rgb(folder / "original" / f"{number}.png", draw_picture(number, 144, 128))
        write_alpha(folder / "mask" / f"{number}.png", draw_disc(144, 128, 50, 9))
        write_rgb(folder / "backgrounds" / f"{number}.png", draw_picture(50 + number, 144, 192))
    return [
        *(sys.executable, "-m", "rssn.build", "--quiet", "--workers", "2", "--k", "3"),
        *("--foregrounds", str(folder), "--backgrounds", str(folder / "backgrounds")),
        *("--samples-per-shard", "2", "--format", "png"),
    ]


@pytest.fixture(scope="module")
def seconds_and_bytes(
    command: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[float, dict[str, bytes]]:
    """How long an uninterrupted build takes, and all that it writes."""
    denoise(draw_picture(0))  # compiled now, not in the time of the build
    out = tmp_path_factory.mktemp("whole") / "out"
    began = time.monotonic()
    subprocess.run([*command, "--out", str(out)], check=True)
    return time.monotonic() - began, contents(out)


def run_and_kill(command: list[str], seconds: float) -> int | None:
    """The exit code; None where the processes had to be killed, all of them at once."""
    running = subprocess.Popen(command, start_new_session=True)
    try:
        return running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        return None


def stage(out: Path) -> str:
    """How far a killed build had come."""
    if not (out / "plan.json").exists():
        return "preparing" if out.exists() else "starting"
    return "writing" if any(out.glob("*.part")) else "between shards"


def test_killed_at_twenty_moments_and_resumed(
    command: list[str], seconds_and_bytes: tuple[float, dict[str, bytes]], tmp_path: Path
) -> None:
    whole, wanted = seconds_and_bytes
    moments = random.Random(0)
    killed: Counter[str] = Counter()
    finished = 0
    while killed.total() < KILLS or finished == 0:
        out = tmp_path / f"build{finished}"
        limit = moments.uniform(0, whole) if killed.total() < KILLS else 10 * whole + 60
        code = run_and_kill([*command, "--out", str(out), "--resume"], limit)
        if code is None:
            killed[stage(out)] += 1
            continue
        assert code == 0
        assert contents(out) == wanted
        finished += 1
    # Which stages are hit depends on the machine; kills before any work began would show nothing.
    assert killed.total() - killed["starting"] >= KILLS // 4, killed


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@pytest.mark.parametrize("cache", ["on the disk", "elsewhere"])
def test_a_full_disk_is_told_and_a_resume_finishes(
    cache: str,
    command: list[str],
    seconds_and_bytes: tuple[float, dict[str, bytes]],
    small_disk: Path,
    tmp_path: Path,
) -> None:
    out = small_disk / "out"
    options = [*command, "--out", str(out)]
    if cache == "elsewhere":
        options += ["--cache", str(tmp_path / "cache")]
    done = subprocess.run(options, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the disk is full; make room" in done.stderr and "--resume" in done.stderr
    assert done.stderr.count("\n") == 1
    if cache == "elsewhere":
        assert any(out.glob("*.tar")) and not any(out.glob("*.part"))
    remount(small_disk, "size=64m")
    subprocess.run([*options, "--resume"], check=True)
    assert contents(out) == seconds_and_bytes[1]


def test_a_read_only_disk_is_told_at_once(
    command: list[str], small_disk: Path, tmp_path: Path
) -> None:
    remount(small_disk, "ro")
    for out in (small_disk, small_disk / "out"):
        options = ["--out", str(out), "--cache", str(tmp_path / "cache")]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert done.returncode == 2
        assert f"out={out}: cannot be written to (Read-only file system)" in done.stderr
        assert not (tmp_path / "cache").exists()  # no work was done in vain


def test_a_killed_worker_is_told_and_a_resume_finishes(
    command: list[str], seconds_and_bytes: tuple[float, dict[str, bytes]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = [*command, "--out", str(out)]
    running = subprocess.Popen(options, stderr=subprocess.PIPE, text=True)
    worker = first_worker(running.pid, out)
    os.kill(worker, signal.SIGKILL)
    _, told = running.communicate()
    assert running.returncode == 2
    assert "a worker process was killed" in told and "--resume" in told
    assert not (out / "manifest.json").exists()
    subprocess.run([*options, "--resume"], check=True)
    assert contents(out) == seconds_and_bytes[1]


def first_worker(parent: int, out: Path) -> int:
    """A worker that has begun to fill the cache."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process")
    while not any(out.glob(".cache/*/*")):
        time.sleep(0.05)
    for child in children.read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("the build has no worker")
