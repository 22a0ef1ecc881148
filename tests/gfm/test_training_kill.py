"""Training that is killed in a step, in validation, in writing: what was written is whole."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from disks import remount
from runs import TINY, column
from tiny import write_photographs, write_shards

from gfm.__main__ import main
from gfm.inference.loading import load_model
from rssn.imaging.files import TEMPORARY

PLACES = ("writing", "step", "validation")
KILLS = 10
EPOCHS, STEPS = 3, 3  # of each epoch
PHOTOGRAPHS = 2
LAST = Path("checkpoints") / "last.ckpt"
Curves = dict[str, dict[str, str]]  # of loss and validation error, by step


@dataclass(frozen=True)
class Death:
    """Point at which a run ends: in the so manieth event of a kind, after so much of it."""

    place: str
    number: int
    part: float


def deaths(count: int, seed: int) -> list[Death]:
    """Random ones, of all kinds in turn."""
    moments = random.Random(seed)
    events = {"step": EPOCHS * STEPS, "validation": EPOCHS * PHOTOGRAPHS, "writing": 24}
    chosen = [PLACES[number % len(PLACES)] for number in range(count)]
    return [Death(place, moments.randrange(events[place]), moments.random()) for place in chosen]


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three epochs of three steps, each with a validation; a checkpoint every two steps."""
    folder = tmp_path_factory.mktemp("data")
    write_shards(folder / "shards", (4, 2))
    write_photographs(folder / "photographs", PHOTOGRAPHS)
    return [
        *("fit", "--quiet", "--trainer.accelerator", "cpu", "--trainer.max_epochs", str(EPOCHS)),
        *(*TINY, "--model.learning_rate", "1e-3", "--data.shards", str(folder / "shards")),
        *("--data.batch_size", "2", "--data.workers", "0", "--data.crop.sides", "[32]"),
        *("--data.crop.size", "32", "--data.validation", str(folder / "photographs")),
        *("--trainer.log_every_n_steps", "1", "--last.steps", "2"),
    ]


@pytest.fixture(scope="module")
def alone(arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Curves:
    """The curves of a run that nobody kills."""
    folder = tmp_path_factory.mktemp("alone")
    assert main([*arguments, logged_to(folder)]) == 0
    return curves(folder / "version_0")


def logged_to(folder: Path) -> str:
    return f"--trainer.logger.init_args.save_dir={folder}"


def curves(run: Path) -> Curves:
    """Loss and validation error by step, as written; none of a run that had nothing left to do."""
    names = ("loss", "val_sad")
    if not (run / "metrics.csv").exists():
        return {name: {} for name in names}
    return {name: column(run, name) for name in names}


@pytest.mark.integration
def test_checkpoints_are_written_beside_their_place(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the temporary folder of another disk they would be copied, which a kill can cut off."""

    def elsewhere(*_: object, **__: object) -> None:
        raise AssertionError("a file was made in the temporary folder")

    monkeypatch.setattr(tempfile, "mkstemp", elsewhere)
    assert main([*arguments, logged_to(tmp_path), "--trainer.max_epochs", "1"]) == 0
    assert torch.load(tmp_path / "version_0" / LAST, weights_only=True)["global_step"] == STEPS


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed(
    arguments: list[str],
    alone: Curves,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload(["gfm.commands.fit"])  # imported once, not by each run
    found = []
    for number, death in enumerate(deaths(KILLS, seed=0)):
        folder = tmp_path / str(number)
        given = [*arguments, logged_to(folder)]
        child = fork.Process(target=train_until, args=(death, given))
        child.start()
        child.join()
        assert child.exitcode == -signal.SIGKILL, death
        found.append(resume(given, folder, alone))
        with capfd.disabled():
            sys.stdout.write(f"\n{death}: resumed from step {found[-1]}")
    assert any(found)


@pytest.mark.integration
def test_a_full_disk_is_told_and_leaves_the_checkpoint_before(
    arguments: list[str],
    alone: Curves,
    small_disk: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, logged_to(tmp_path), "--trainer.max_epochs", "1"]) == 0
    whole = (tmp_path / "version_0" / LAST).stat().st_size
    model = (tmp_path / "version_0" / LAST).with_suffix(".safetensors").stat().st_size
    remount(small_disk, f"size={whole * 3 // 2 + model + 100_000}")  # for one, and half of another
    given = [*arguments, logged_to(small_disk)]
    assert main(given) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "last-unvalidated.ckpt: " in told and "--ckpt_path" in told
    assert not list(small_disk.rglob(f"*{TEMPORARY}"))
    remount(small_disk, "size=64m")
    assert resume(given, small_disk, alone) == 2


def resume(given: list[str], folder: Path, alone: Curves) -> int:
    """Go on from what a killed run left, which is whole; returns the step that it stood at."""
    killed = folder / "version_0"
    for path in killed.rglob("*.ckpt"):
        torch.load(path, weights_only=True)
    for path in killed.rglob("*.safetensors"):
        load_model(path, "cpu")
    before = curves(killed)
    last, step = killed / LAST, 0
    if last.exists():
        step = torch.load(last, weights_only=True)["global_step"]
        given = [*given, "--ckpt_path", str(last)]
    assert main(given) == 0
    after = curves(folder / "version_1")
    assert after["loss"] == {s: v for s, v in alone["loss"].items() if int(s) >= step}
    for name, values in alone.items():
        assert before[name] | after[name] == values
    return step


def train_until(death: Death, arguments: list[str]) -> None:
    """Train in this process up to a moment at which it is killed."""
    {"step": die_in_step, "validation": die_in_validation, "writing": die_in_writing}[death.place](
        death
    )
    main(arguments)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def counted(function: Callable[..., object], number: int, last: Callable[..., None]):
    """The function, in whose so manieth call `last` comes in its place."""
    left = [number]

    def replaced(*given: object, **named: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            last(*given, **named)
        return function(*given, **named)

    return replaced


def die_in_step(death: Death) -> None:
    """Before the step, after its forward pass, after its backward pass, or after all of it."""
    from gfm.models.glance_focus.task import GFMTask

    hooks = (
        "on_train_batch_start",
        "on_before_backward",
        "on_after_backward",
        "on_train_batch_end",
    )
    name = hooks[int(death.part * len(hooks))]
    setattr(GFMTask, name, counted(getattr(GFMTask, name), death.number, lambda *_: die()))


def die_in_validation(death: Death) -> None:
    from gfm.models.glance_focus.task import GFMTask

    name = "_compare" if death.part < 0.5 else "on_validation_epoch_end"
    number = death.number if name == "_compare" else death.number // PHOTOGRAPHS
    setattr(GFMTask, name, counted(getattr(GFMTask, name), number, lambda *_: die()))


def die_in_writing(death: Death) -> None:
    """Leave a part of the bytes of a checkpoint, a model or another file, or its old name."""
    real = Path.replace

    def cut(path: Path, target: Path) -> None:
        if death.part > 0.9:  # all of it, and its name too
            real(path, target)
        elif path.suffix == TEMPORARY:
            os.truncate(path, int(path.stat().st_size * death.part))
        die()

    Path.replace = counted(real, death.number, cut)
