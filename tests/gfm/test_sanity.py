"""A good set is found good, and each kind of trouble is found."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_overfit import draw_batch
from tiny import build, draw_matte, draw_photograph, write_photographs, write_shards

from gfm.__main__ import main
from gfm.data.crops import CropOptions, Planes
from gfm.data.samples import Crop
from gfm.data.sets import open_training_set
from gfm.models.glance_focus.task import GFMTask
from gfm.training import sanity_run
from gfm.training.rehearsal import Rehearsal, rehearse
from gfm.training.sanity_data import (
    check_reading,
    check_recomposition,
    check_transition,
    check_validation,
    read_crops,
    recomposition,
)
from gfm.training.sanity_run import StepCost, check_disk, check_learning, check_memory, check_speed
from rssn.imaging.blending import blend
from rssn.imaging.writing import write_alpha
from rssn.shards.tars import sample_key

CROP = CropOptions(sides=(64,), size=32, kernel=5)
GIB = 2**30


def draw_crop(alpha: np.ndarray | None = None, shift: int = 0) -> Crop:
    alpha = draw_matte(64, 64) if alpha is None else alpha
    colours = [draw_photograph(seed, 64, 64) for seed in (0, 1)]
    image = blend(alpha, *colours)
    return Crop("c0", Planes(np.clip(image.astype(int) + shift, 0, 255), alpha, *colours), 1.0)


def test_good_samples_are_read_and_found_good(tmp_path):
    samples = open_training_set(write_shards(tmp_path / "shards", (3, 2)))
    reading = read_crops(samples, CROP, 0, seconds=60)
    assert sorted(crop.key for crop in reading.crops) == ["s0", "s1", "s2", "s3", "s4"]
    assert reading.seconds > 0
    assert check_reading(reading, 5, 0).verdict == "OK"
    assert check_transition(reading.crops).verdict == "OK"
    assert check_recomposition(reading.crops).verdict == "OK"


def test_damaged_sample_is_named(tmp_path):
    folder = write_shards(tmp_path / "shards", (3,))
    shard = folder / "shard-00000.tar"
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    shard.write_bytes(damaged)
    reading = read_crops(open_training_set(folder), CROP, 0, seconds=60)
    finding = check_reading(reading, 3, 0)
    assert finding.verdict == "wrong"
    assert "2 of 3 samples were read" in finding.text
    assert "sample s1 is damaged" in finding.text
    assert check_reading(reading, 3, skip_bad=1).verdict == "look at this"  # fit goes on


def test_masks_are_no_mattes():
    mask = (draw_matte(64, 64) > 0.5).astype(np.float32)
    finding = check_transition([draw_crop(mask)] * 4)
    assert finding.verdict == "wrong"
    assert "masks, not mattes" in finding.text


def test_crops_beside_the_object_are_noticed():
    empty = np.zeros((64, 64), np.float32)
    finding = check_transition([draw_crop(), *[draw_crop(empty)] * 3])
    assert finding.verdict == "look at this"
    assert "1 of 4 crops hold fractional pixels, 3 one value alone" in finding.text


@pytest.mark.parametrize(("shift", "verdict"), [(0, "OK"), (5, "look at this"), (12, "wrong")])
def test_recomposition_error_is_in_grey_levels(shift, verdict):
    crop = draw_crop(shift=shift)
    assert recomposition(crop.planes) == pytest.approx(shift, abs=0.5)
    assert check_recomposition([crop]).verdict == verdict


def test_unknown_colours_are_noticed():
    crop = draw_crop()
    crop = crop._replace(planes=crop.planes._replace(foreground=None, background=None))
    assert check_recomposition([crop]).verdict == "look at this"


def test_validation_photographs_are_checked(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 2)
    assert check_validation(str(folder), None, ["a-k0"]).verdict == "OK"
    assert check_validation(None, None, []).verdict == "look at this"
    assert check_validation(str(tmp_path / "none"), None, []).verdict == "wrong"
    leak = check_validation(str(folder), None, ["p1-k0", "p1-k1"])
    assert leak.verdict == "look at this"
    assert "1 are named as training samples, such as p1" in leak.text
    for key in ("1/p1-k0/2", "0/p1/0", "p1"):  # of a mixture; of photographs as they are
        assert "such as p1" in check_validation(str(folder), None, [key]).text
    write_alpha(folder / "mask" / "p0.png", np.zeros((48, 64), np.float32))
    assert "alpha is 0 everywhere" in check_validation(str(folder), None, []).text


def test_validation_photograph_of_any_name_is_found_among_the_samples(tmp_path):
    folder = write_photographs(tmp_path / "photographs", 1)
    for part in ("original", "mask"):
        (folder / part / "p0.png").rename(folder / part / "a kite-k.2.png")
    for key in (sample_key("a kite-k.2", 3), "a kite-k.2"):
        assert "such as a kite-k.2" in check_validation(str(folder), None, [key]).text


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ([3.0] * 10 + [2.0] * 10, "OK"),
        ([3.0] * 10 + [2.99] * 10, "look at this"),
        ([3.0, 1.0], "look at this"),
        ([3.0] * 10 + [3.1] * 10, "wrong"),
        ([3.0, math.nan], "wrong"),
    ],
)
def test_learning_is_judged(losses, verdict):
    finding = check_learning(Rehearsal(losses, 0.4, 0.3), 8, 1e-5)
    assert finding.verdict == verdict
    if losses[-1] == 2.0:
        assert "20 steps of this run on one batch of 8 crops changed its loss by -33.3%" in (
            finding.text
        )


def small_task(**options: object) -> GFMTask:
    torch.manual_seed(0)
    return GFMTask("timm:test_resnet", width=0.25, **options)


def test_steps_are_those_of_the_task():
    batch = draw_batch("TT", 4)
    paper = rehearse(small_task(learning_rate=1e-3), batch, steps=12)
    released = rehearse(small_task(loss="released"), batch, steps=1)
    assert released.losses[0] == pytest.approx(paper.losses[0] / 4, rel=1e-5)
    assert paper.change < 1 and paper.after != paper.before
    still = small_task(learning_rate=0.0)
    assert rehearse(still, batch, steps=3).losses == pytest.approx([paper.losses[0]] * 3, rel=1e-5)
    cosine = small_task(learning_rate=1.0, schedule="cosine")  # 4 % of it in the first step
    constant = small_task(learning_rate=0.04)
    for task in (cosine, constant):
        rehearse(task, batch, steps=1)
    for one, two in zip(cosine.parameters(), constant.parameters(), strict=True):
        torch.testing.assert_close(one, two)


def test_learning_rate_that_is_far_too_high_is_found():
    found = rehearse(small_task(learning_rate=100.0), draw_batch("TT", 4), steps=20)
    assert check_learning(found, 4, 100.0).verdict == "wrong"


def test_speed_says_how_many_workers(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    # A step of 1 s on 32 crops of 0.1 s each needs 3.2 processes, and a fifth more.
    assert check_speed(0.1, 1.0, 32, 4).verdict == "OK"
    finding = check_speed(0.1, 1.0, 32, 2)
    assert finding.verdict == "look at this"
    assert "set data.workers=4" in finding.text
    assert "and there are 8 cores" in check_speed(0.5, 1.0, 32, 2).text


def test_memory_is_forecast_for_the_whole_batch():
    cost = StepCost(1.0, peak=3 * GIB, fixed=1 * GIB, crops=4)  # half a GiB a crop
    assert check_memory(cost, 8, 8 * GIB, "").verdict == "OK"
    finding = check_memory(cost, 32, 8 * GIB, "")
    assert finding.verdict == "wrong"
    assert "about 17.0 of 8.0 GiB" in finding.text
    assert "data.batch_size=10 and trainer.accumulate_grad_batches=4" in finding.text


def test_page_cache_is_memory_that_a_run_can_get(monkeypatch):
    counted = SimpleNamespace(free=GIB, available=8 * GIB)
    monkeypatch.setattr(sanity_run.psutil, "virtual_memory", lambda: counted)
    assert sanity_run.training_memory(torch.device("cpu"))[0] > 8 * GIB


def test_full_disk_is_found(tmp_path, monkeypatch):
    model = build()
    assert check_disk(model, tmp_path / "runs").verdict == "OK"
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(sanity_run.shutil, "disk_usage", lambda _: usage)
    assert check_disk(model, tmp_path / "runs").verdict == "wrong"


def test_step_leaves_the_weights(tmp_path):
    task = small_task()
    model = task.model
    before = model.focus.state_dict()["blocks.0.0.weight"].clone()
    cost = sanity_run.measure_step(task, draw_batch("TT", 2), seconds=10)
    assert cost.seconds > 0
    assert cost.peak >= cost.fixed
    assert (model.focus.state_dict()["blocks.0.0.weight"] == before).all()


def arguments(folder, *more: str) -> list[str]:
    return [
        *("sanity", "--shards", str(folder), "--quiet", "--trainer.accelerator", "cpu"),
        *("--model.backbone", "timm:test_resnet", "--model.width", "0.25", "--data.workers", "1"),
        *("--data.crop.sides", "[64]", "--data.crop.size", "32", "--data.crop.kernel", "5"),
        *("--data.batch_size", "4", "--seconds", "4", *more),
    ]


def test_command_looks_over_a_good_set(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_shards(tmp_path / "shards", (4,))
    photographs = write_photographs(tmp_path / "photographs", 2)
    assert main(arguments(folder, "--validation", str(photographs))) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line[14:].split()[0] for line in lines]
    assert names == [
        *("samples", "validation", "disk", "mattes", "F", "speed", "memory", "learning")
    ]
    assert not any(line.startswith("wrong") for line in lines)
    assert not (tmp_path / "runs").exists()


def test_command_ends_with_1_where_something_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_shards(tmp_path / "shards", (4,))
    assert main(arguments(folder, "--validation", str(tmp_path / "none"))) == 1
    assert "failed: validation: " in capsys.readouterr().err


def test_command_refuses_what_fit_refuses(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["sanity", "--quiet"]) == 2
    assert "give --shards" in capsys.readouterr().err
    assert main(arguments(tmp_path, "--model.no_such_option", "1")) == 2
    assert main(arguments(tmp_path, "--seconds", "0")) == 2
