"""Short runs of `gfm fit`, and what they wrote."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import torch

from gfm.inference.loading import load_model

TINY = ("--model.backbone", "timm:test_resnet", "--model.width", "0.25")
CPU = ("--trainer.accelerator", "cpu")


def fit_arguments(data: Path, *more: str) -> list[str]:
    """Two steps on two crops of 32 px each."""
    return [
        *("fit", *CPU, "--data.shards", str(data / "shards"), "--data.batch_size", "2"),
        *("--data.workers", "0", "--data.crop.sides", "[32]", "--data.crop.size", "32"),
        *("--trainer.max_steps", "2", "--trainer.log_every_n_steps", "1", *more),
    ]


def rows(run: Path) -> list[dict[str, str]]:
    """The log of a run."""
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def column(run: Path, name: str = "loss") -> dict[str, str]:
    """The values of a metric by their steps, as written."""
    return {row["step"]: row[name] for row in rows(run) if row.get(name)}


def same_weights(first: Path, second: Path) -> bool:
    """Compare two models."""
    models = [load_model(path, device="cpu").state_dict() for path in (first, second)]
    return all(torch.equal(value, models[1][key]) for key, value in models[0].items())


def run_outside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "gfm", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
