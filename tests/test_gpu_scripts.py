"""Training on a lent GPU: what its script needs, and runs that go on where the last one ended."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from documents import ROOT

import gfm
from rssn.shards.material import Picture, create_material

ABSENT = ("jsonargparse", "albumentations", "webdataset", "wandb", "pymatting", "upath", "bm3d")
OPTIONS = ["--backbone", "timm:test_resnet", "--width", "0.25", "--size", "64", "--batch", "4"]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpu") / "material.tar"
    rng, alpha = np.random.default_rng(0), np.zeros((64, 64), np.float32)
    alpha[16:48, 16:48] = 1
    with create_material(path) as file:
        for number, kind in enumerate(("photograph", "cutout", "background")):
            image = rng.integers(0, 255, (64, 64, 3), np.uint8)
            picture = Picture(f"photos/{number}", kind, "photos", "MIT", (64, 64))
            file.add(picture, image, None if kind == "background" else alpha)
    return path


def train(material: Path, out: Path, *more: str) -> str:
    """Run the script where the GPU machine's missing packages are missing."""
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT!r}))\n"
        f"sys.path[:0] = [{str(ROOT / 'scripts')!r}, {str(ROOT)!r}]\n"
        "import gpu_train\nsys.exit(gpu_train.main())"
    )
    command = [sys.executable, "-c", program, "--material", str(material), "--out", str(out)]
    command += [*OPTIONS, "--workers", "1", "--minutes", "0.15", "--budget", "1", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.integration
def test_run_goes_on_where_the_last_one_ended(material: Path, tmp_path: Path):
    train(material, tmp_path / "out")
    sys.path.insert(0, str(ROOT / "scripts"))
    import gpu_train

    first = gpu_train.read_state(tmp_path / "out")
    assert first is not None and first["step"] > 10 and 0 < first["seconds"] < 30
    moment = first["optimizer"]["state"][0]["exp_avg"]
    assert moment.dtype == torch.bfloat16 and moment.abs().max() > 0
    train(material, tmp_path / "out")
    second = gpu_train.read_state(tmp_path / "out")
    assert second["step"] > first["step"] and second["seconds"] > first["seconds"]
    assert second["optimizer"]["state"][0]["step"] == second["step"]
    sizes = [path.stat().st_size for path in (tmp_path / "out").glob("state-*.pt")]
    assert max(sizes) <= 15 * 2**20
    model = gfm.load_model(tmp_path / "out" / "weights.safetensors", "cpu")
    assert model.licences[0].licence == "MIT"
    with (tmp_path / "out" / "log.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == sorted(steps) and all(step % 50 == 0 for step in steps)


def test_state_keeps_weights_whole_and_moments_short(tmp_path: Path):
    sys.path.insert(0, str(ROOT / "scripts"))
    import gpu_train

    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters(), 0.1)
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    kept = gpu_train.widened(gpu_train.narrowed(optimizer.state_dict()))
    other = torch.optim.AdamW(torch.nn.Linear(3, 2).parameters(), 0.1)
    other.load_state_dict(kept)
    for name in ("exp_avg", "exp_avg_sq"):
        mine, theirs = (
            optimizer.state_dict()["state"][0][name],
            other.state_dict()["state"][0][name],
        )
        torch.testing.assert_close(theirs, mine.to(torch.bfloat16).float(), rtol=0, atol=0)
    assert other.state_dict()["state"][0]["step"] == 1


@pytest.mark.integration
def test_folder_without_a_state_cannot_be_gone_on_from(material: Path, tmp_path: Path):
    sys.path.insert(0, str(ROOT / "scripts"))
    import gpu_train

    assert gpu_train.read_state(tmp_path) is None
    command = [sys.executable, str(ROOT / "scripts" / "gpu_train.py"), "--material", str(material)]
    command += ["--out", str(tmp_path / "out"), "--resume", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "holds no state-*.pt; leave --resume out to begin anew" in done.stderr
