"""`gfm fit` on several processes as docs/training.md starts them: by torchrun, and under SLURM."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from runs import column
from tiny import draw_matte, write_photographs, write_shards

import gfm
from gfm.metrics import evaluate
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_alpha

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
SAMPLES, PHOTOGRAPHS, EPOCHS = 7, 3, 2  # neither is even
# Notes what every process is given, by way of Lightning's own option for callbacks.
CALLBACK = """
import json
from pathlib import Path
from pytorch_lightning import Callback

class Notes(Callback):
    def on_train_batch_end(self, trainer, task, outputs, batch, index):
        line = json.dumps([trainer.current_epoch, batch.keys])
        with Path(f"keys_{trainer.global_rank}.txt").open("a") as file:
            file.write(line + "\\n")
"""
FIT = (
    *("-m", "gfm", "fit", "--quiet", "--trainer.accelerator", "cpu", "--trainer.strategy", "ddp"),
    *("--model.backbone", "timm:test_resnet", "--model.width", "0.25"),
    *("--data.shards", "shards", "--data.validation", "photographs", "--data.batch_size", "2"),
    *("--data.workers", "0", "--data.crop.sides", "[64]", "--data.crop.size", "64"),
    *("--trainer.max_epochs", str(EPOCHS), "--trainer.log_every_n_steps", "1"),
    *("--trainer.callbacks+", "notes.Notes"),
)


@pytest.fixture
def folder(tmp_path) -> Path:
    write_shards(tmp_path / "shards", (4, SAMPLES - 4))
    write_photographs(tmp_path / "photographs", PHOTOGRAPHS)
    write_alpha(tmp_path / "photographs" / "mask" / "p0.png", draw_matte(radius=20))
    (tmp_path / "notes.py").write_text(CALLBACK)
    return tmp_path


def start(folder: Path, command: list[str], **environment: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(folder)])
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"} | environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def by_torchrun(folder: Path) -> list[subprocess.Popen[str]]:
    """One machine with two devices."""
    endpoint = f"127.0.0.1:{free_port()}"
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--rdzv_backend", "c10d"]
    launch += ["--rdzv_endpoint", endpoint]
    return [start(folder, [*launch, *FIT, "--trainer.devices", "2"])]


def by_slurm(folder: Path) -> list[subprocess.Popen[str]]:
    """Two machines with a device each: what `srun` tells its tasks."""
    port = str(free_port())
    shared = {"SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2"}
    shared |= {"SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_LOCALID": "0"}
    shared |= {"SLURM_NODELIST": "127.0.0.1", "MASTER_PORT": port}
    command = [*FIT, "--trainer.num_nodes", "2", "--trainer.devices", "1"]
    return [start(folder, command, SLURM_PROCID=rank, SLURM_NODEID=rank, **shared) for rank in "01"]


@pytest.mark.parametrize("launch", [by_torchrun, by_slurm])
def test_two_processes_are_one_run(folder, launch):
    for process in launch(folder):
        _, error = process.communicate(timeout=580)
        assert process.returncode == 0, error

    taken: dict[int, list[str]] = {}
    for rank in (0, 1):
        for line in (folder / f"keys_{rank}.txt").read_text().splitlines():
            epoch, keys = json.loads(line)
            taken.setdefault(epoch, []).extend(keys)
    every = sorted(f"s{number}" for number in range(SAMPLES))
    assert {epoch: sorted(keys) for epoch, keys in taken.items()} == dict.fromkeys(range(2), every)

    assert [path.name for path in (folder / "runs").iterdir()] == ["version_0"]
    run = folder / "runs" / "version_0"
    kept = {path.name for path in run.rglob("*") if path.is_file() and path.parent.name != "panel"}
    assert kept >= {"config.yaml", "metrics.csv", "run.json", "last.ckpt", "last.safetensors"}
    assert not [name for name in kept if "-v1" in name]  # what Lightning calls a second one

    measured = [float(value) for value in column(run, "val_sad").values()]
    assert len(measured) == EPOCHS
    model = gfm.load_model(run / "checkpoints" / "last.safetensors", "cpu")
    wanted = []
    for number in range(PHOTOGRAPHS):
        photograph = folder / "photographs" / "original" / f"p{number}.png"
        made = gfm.matte(photograph, model, foreground="none")
        alpha = read_alpha(folder / "photographs" / "mask" / f"p{number}.png")
        wanted.append(evaluate(made.alpha, alpha)["sad"])
    assert measured[-1] == pytest.approx(np.mean(wanted), rel=1e-4)
