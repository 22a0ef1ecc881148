"""Errors of photographs: by region, and as means over photographs on any number of processes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import build, draw_matte, write_photographs

import gfm
from gfm.checkpoints.files import save_model
from gfm.metrics import evaluate
from gfm.training.validation import gather_by_name, photograph_errors
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_alpha


def test_errors_are_told_apart_by_region():
    alpha = np.zeros((100, 100), np.float32)
    alpha[:, :50] = 1
    wrong = alpha.copy()
    wrong[:, :10] = 0.5  # 1000 px of foreground half missing
    wrong[:, 90:] = 0.25  # 1000 px of background a quarter there
    wrong[:, 49:51] = 0.5  # 200 px within 12 px of the edge
    found = photograph_errors(wrong, alpha)
    assert found["sad_fg"] == pytest.approx(0.5)
    assert found["sad_bg"] == pytest.approx(0.25)
    assert found["sad_transition"] == pytest.approx(0.1)
    assert found["sad"] == pytest.approx(0.85)
    # A kernel of 25 px widens the edge by 12 px to both sides.
    assert found["mad_transition"] == pytest.approx(100 / 2400)


def test_one_process_keeps_its_own_in_name_order():
    assert list(gather_by_name({"b": 1, "a": 2}).items()) == [("a", 2), ("b", 1)]


PROCESS = """
import json, sys
import torch.distributed as dist
from gfm.training.validation import gather_by_name
rank = int(sys.argv[1])
dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
# Three photographs on two processes: a sampler gives the first to both.
found = {"p0": 1.0, "p2": 5.0} if rank == 0 else {"p1": 3.0, "p0": 1.0}
print(json.dumps(gather_by_name(found)))
dist.destroy_process_group()
"""


def start(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.integration
def test_every_process_gets_each_photograph_once(tmp_path):
    started = [start(["-c", PROCESS, rank, str(tmp_path / "meet")], tmp_path) for rank in "01"]
    for process in started:
        out, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
        assert list(json.loads(out).items()) == [("p0", 1.0), ("p1", 3.0), ("p2", 5.0)]


@pytest.mark.integration
def test_two_processes_have_the_mean_over_photographs(tmp_path):
    photographs = write_photographs(tmp_path / "photographs", 3)
    write_alpha(photographs / "mask" / "p0.png", draw_matte(radius=20))  # which differs most
    save_model(build(), tmp_path / "model.safetensors")
    process = start(
        [
            *("-m", "gfm", "validate", "--model.model", "model.safetensors", "--quiet"),
            *("--data.validation", "photographs", "--trainer.accelerator", "cpu"),
            *("--trainer.devices", "2", "--trainer.strategy", "ddp", "--panel.count", "3"),
        ],
        tmp_path,
    )
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    model = gfm.load_model(tmp_path / "model.safetensors", "cpu")
    wanted = []
    for name in ("p0", "p1", "p2"):
        made = gfm.matte(photographs / "original" / f"{name}.png", model, foreground="none")
        wanted.append(evaluate(made.alpha, read_alpha(photographs / "mask" / f"{name}.png"))["sad"])
    run = tmp_path / "runs" / "version_0"
    best = json.loads((run / "run.json").read_text())["best"]
    assert best["photographs"] == 3
    assert best["metrics"]["sad"] == pytest.approx(np.mean(wanted), rel=1e-4)
    assert abs(np.mean([*wanted, wanted[0]]) / np.mean(wanted) - 1) > 1e-3  # p0 twice would show
    kept = sorted(path.name for path in (run / "panel").iterdir())
    assert kept == [f"p{number}_00000000.jpg" for number in range(3)]
