"""Two builds into one folder, and clocks that jump: the same bytes or a refusal, no mixture."""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from builds import contents
from test_kill import begin

from rssn.build import composition
from rssn.build.builder import main
from rssn.build.planning import Planner
from rssn.imaging.locations import Location, locate

YEAR = 365 * 86400
RACES = 24


@pytest.fixture
def other(arguments: list[str], tmp_path: Path) -> Path:
    """The same build with another seed."""
    out = tmp_path / "other"
    assert main([*arguments, "--seed", "1", "--out", str(out)]) == 0
    return out


def run_while_planning(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Do something, once, while the next build prepares its inputs."""
    original = Planner.plan

    def plan(*given: object) -> object:
        monkeypatch.setattr(Planner, "plan", original)
        work()
        return original(*given)

    monkeypatch.setattr(Planner, "plan", plan)


def interrupted(options: list[str], shards: int) -> None:
    """A build that ends when it has written so many shards."""
    original, numbers = composition.write_shard, itertools.count()

    def interrupt(path: Path, samples: object) -> object:
        if next(numbers) == shards:
            raise KeyboardInterrupt
        return original(path, samples)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composition, "write_shard", interrupt)
        assert main(options) == 130


@pytest.mark.parametrize("more", [(), ("--seed", "1"), ("--resume",)], ids=" ".join)
def test_a_second_build_into_the_folder_is_refused_in_one_line(
    more: tuple[str, ...],
    arguments: list[str],
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, codes = tmp_path / "out", []
    options = [*arguments, "--out", str(out), "--cache", str(tmp_path / "cache")]
    run_while_planning(monkeypatch, lambda: codes.append(main([*options, *more])))
    assert main(options) == 0 and codes == [2]
    assert capsys.readouterr().err == (
        f"error: out={out}: another build is writing to it; wait for its end, or give another "
        "folder\n"
    )
    assert contents(out) == contents(finished)
    assert main([*options, "--resume"]) == 0  # it is free again


@pytest.fixture(params=["memory", "s3"])
def shared_place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """A folder in an object store, where nothing can be locked."""
    if request.param == "memory":
        return locate(f"memory://{tmp_path.name}/shards")
    return locate(request.getfixturevalue("store"))


@pytest.mark.integration
@pytest.mark.parametrize("ended", [True, False], ids=["ended", "under way"])
def test_the_first_plan_in_a_store_counts(
    ended: bool,
    shared_place: Location,
    arguments: list[str],
    other: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A build of other settings began, or even ended, while this one prepared its inputs."""
    options = [*arguments, "--out", str(shared_place), "--cache", str(tmp_path / "cache")]

    def another() -> None:
        if ended:
            assert main([*options, "--seed", "1"]) == 0
        else:
            interrupted([*options, "--seed", "1"], shards=1)

    run_while_planning(monkeypatch, another)
    assert main(options) == 2
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith("error: setting seed is 0")
    assert main([*options, "--seed", "1", "--resume"]) == 0
    assert contents(shared_place) == contents(other)


@pytest.mark.integration
def test_the_same_build_twice_at_once_in_a_store(
    arguments: list[str], finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both write the same bytes, whole files only, so that neither disturbs the other."""
    place = locate(f"memory://{tmp_path.name}/shards")
    options = [*arguments, "--out", str(place), "--cache", str(tmp_path / "cache")]
    codes = []
    run_while_planning(monkeypatch, lambda: codes.append(main(options)))
    assert (main(options), codes) == (0, [0])
    assert contents(place) == contents(finished)


@pytest.mark.slow
def test_two_builds_at_random_moments(
    arguments: list[str],
    finished: Path,
    other: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    began = time.monotonic()
    begin([*arguments, "--out", str(tmp_path / "timed")]).join()
    whole, moments = time.monotonic() - began, random.Random(0)
    wanted, counts = [contents(finished), contents(other)], Counter[str]()
    told = tmp_path / "told"
    for number in range(RACES):
        out, cache = tmp_path / f"out{number}", tmp_path / f"cache{number % 3}"
        seeds = (0, number % 2)  # the same options, or others
        options = [*arguments, "--out", str(out), "--cache", str(cache)]
        first = begin([*options, "--seed", str(seeds[0])], told)
        time.sleep(moments.uniform(0, whole) * (number % 4 > 0))
        resume = ["--resume"] * (number % 5 == 0)
        second = begin([*options, "--seed", str(seeds[1]), *resume], told)
        first.join()
        second.join()
        codes = (first.exitcode, second.exitcode)
        assert codes in ((0, 2), (2, 0)) or (codes == (0, 0) and seeds == (0, 0)), codes
        assert contents(out) == wanted[seeds[codes.index(0)]]
        counts[f"{'same' if seeds == (0, 0) else 'other'} options, codes {codes}"] += 1
    lines = told.read_text().splitlines()
    assert len(lines) == sum(counts[key] for key in counts if "2" in key)  # one for each
    with capfd.disabled():
        sys.stdout.write(f"\n{dict(counts)}\n")


@pytest.fixture(params=[YEAR, -YEAR], ids=["forwards", "backwards"])
def jump(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """A clock that is a year off in every other moment."""
    now, now_ns, calls = time.time, time.time_ns, itertools.count()
    monkeypatch.setattr(time, "time", lambda: now() + request.param * (next(calls) % 2))
    monkeypatch.setattr(
        time, "time_ns", lambda: now_ns() + 10**9 * request.param * (next(calls) % 2)
    )
    yield request.param


def test_a_clock_that_jumps_changes_nothing(
    jump: float, arguments: list[str], finished: Path, tmp_path: Path
) -> None:
    """Neither during a build nor, with the times of all files, between it and its resume."""
    out = tmp_path / "out"
    options = [*arguments, "--out", str(out)]
    interrupted(options, shards=2)
    written = [out / f"shard-{number:05d}.tar" for number in range(2)]
    for path in (*out.rglob("*"), *(tmp_path / "foregrounds").rglob("*")):
        moved = path.stat().st_mtime + jump
        os.utime(path, (moved, moved))
    before = [path.stat().st_mtime_ns for path in written]
    assert main([*options, "--resume"]) == 0
    assert contents(out) == contents(finished)
    assert [path.stat().st_mtime_ns for path in written] == before  # nothing was made twice
