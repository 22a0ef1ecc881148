"""Builds that are killed, and disks that are full: what a resume ends with is the same."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from builds import contents
from disks import remount
from drawings import draw_disc, draw_picture

from rssn import denoise
from rssn.build.builder import main
from rssn.imaging.writing import write_alpha, write_rgb

KILLS = {1: 22, 2: 3}  # by the number of workers; of each content, so that there are fifty
FEW = ("--limit", "5", "--k", "2")  # ten samples in five shards


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A build, without --out, of 30 samples in 15 shards that denoises half of its inputs."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in ("original", "mask", "backgrounds"):
        (folder / name).mkdir()
    for number in range(10):
        write_rgb(folder / "original" / f"{number}.png", draw_picture(number, 144, 128))
        write_alpha(folder / "mask" / f"{number}.png", draw_disc(144, 128, 50, 9))
        write_rgb(folder / "backgrounds" / f"{number}.png", draw_picture(50 + number, 144, 192))
    return [
        *("--foregrounds", str(folder), "--backgrounds", str(folder / "backgrounds")),
        *("--samples-per-shard", "2", "--format", "png", "--quiet", "--k", "3"),
    ]


@pytest.fixture(scope="module")
def command(inputs: list[str]) -> list[str]:
    """The command of that build by two workers."""
    return [sys.executable, "-m", "rssn.build", *inputs, "--workers", "2"]


@pytest.fixture(scope="module")
def whole(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All that a build writes which nothing interrupts."""
    out = tmp_path_factory.mktemp("whole") / "out"
    subprocess.run([*command, "--out", str(out)], check=True)
    return contents(out)


def begin(options: list[str], told: Path | None = None) -> BaseProcess:
    """A build in a process of its own, forked from one that has imported everything.

    Args:
        options: Of the command.
        told: Where its stderr goes; else where that of the first such process went.
    """
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(
        ["rssn.build.builder", "rssn.denoising.bm3d_fast", "rssn.foreground.pymatting_parts"]
    )
    running = fork.Process(target=_run, args=(options, told))
    running.start()
    return running


def _run(options: list[str], told: Path | None) -> None:
    os.setsid()  # a group to be killed at once, workers and all
    if told is not None:
        os.dup2(os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sys.exit(main(options))


def run_and_kill(options: list[str], seconds: float) -> int | None:
    """The exit code; None where the processes had to be killed, all of them at once."""
    running = begin(options)
    running.join(seconds)
    if running.exitcode is None:
        with suppress(ProcessLookupError):  # there is no group yet
            os.killpg(running.pid, signal.SIGKILL)
        running.kill()
        running.join()
    return None if running.exitcode == -signal.SIGKILL else running.exitcode


def timed(options: list[str]) -> float:
    """Seconds of a build that is not killed."""
    began = time.monotonic()
    assert run_and_kill(options, 600) == 0
    return time.monotonic() - began


def stage(out: Path) -> str:
    """Stage of a killed build."""
    if not (out / "plan.json").exists():
        return "preparing" if out.exists() else "starting"
    return "writing" if any(out.glob("*.part")) else "between shards"


def kill_and_resume(options: list[str], kills: int, folder: Path) -> Counter[str]:
    """Kill builds at so many random moments, resume each to its end, and compare the bytes.

    Every other build finds its inputs prepared, so that kills meet the writing of shards as well.
    """
    denoise(draw_picture(0))  # compiled now, not in the time of the build
    prepared = ["--cache", str(folder / "cache")]
    seconds = [timed([*options, *prepared, "--out", str(folder / name)]) for name in "ab"]
    wanted = contents(folder / "a")
    moments = random.Random(0)
    killed: Counter[str] = Counter()
    finished = 0
    while killed.total() < kills or finished == 0:
        out = folder / f"build{finished}"
        given = [*options, "--out", str(out), "--resume", *(prepared if finished % 2 else ())]
        limit = moments.uniform(0, seconds[finished % 2])
        code = run_and_kill(given, limit if killed.total() < kills else 600)
        if code is None:
            killed[stage(out)] += 1
            continue
        assert code == 0
        assert contents(out) == wanted
        finished += 1
    # Which stages are hit depends on the machine; kills before any work began would show nothing.
    assert killed.total() - killed["starting"] >= kills // 4, killed
    return killed + Counter({"finished": finished})


@pytest.mark.integration
@pytest.mark.parametrize("content", ["composites", "sources"])
def test_killed_and_resumed(content: str, inputs: list[str], tmp_path: Path) -> None:
    kill_and_resume([*inputs, *FEW, "--content", content, "--workers", "1"], 1, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("workers", KILLS)
@pytest.mark.parametrize("content", ["composites", "sources"])
def test_killed_at_fifty_moments_and_resumed(
    content: str,
    workers: int,
    inputs: list[str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    options = [*inputs, *FEW, "--content", content, "--workers", str(workers)]
    killed = kill_and_resume(options, KILLS[workers], tmp_path)
    with capfd.disabled():
        sys.stdout.write(f"\n{content}, {workers} workers: {dict(killed)}\n")


@pytest.mark.integration
@pytest.mark.parametrize("cache", ["on the disk", "elsewhere"])
def test_a_full_disk_is_told_and_a_resume_finishes(
    cache: str,
    command: list[str],
    whole: dict[str, bytes],
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
    assert contents(out) == whole


@pytest.mark.integration
def test_a_read_only_disk_is_told_at_once(
    command: list[str], small_disk: Path, tmp_path: Path
) -> None:
    remount(small_disk, "ro")
    for out in (small_disk, small_disk / "out"):
        options = ["--out", str(out), "--cache", str(tmp_path / "cache")]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert done.returncode == 2
        assert f"out={out}: cannot be written (Read-only file system)" in done.stderr
        assert not (tmp_path / "cache").exists()  # no work was done in vain


@pytest.mark.integration
def test_a_killed_worker_is_told_and_a_resume_finishes(
    command: list[str], whole: dict[str, bytes], tmp_path: Path
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
    assert contents(out) == whole


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
