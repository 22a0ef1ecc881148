"""Every YAML that ships is read by the command it is for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from pytorch_lightning import Trainer

from gfm.data import GFMData
from gfm.task import GFMTask
from gfm.training import GFMCommandLine
from rssn.route import RouteOptions

CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
RUNS = [path for path in FILES if "model" in yaml.safe_load(path.read_text())]
ROUTES = [path for path in FILES if path not in RUNS]


def name(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


@pytest.mark.parametrize("path", RUNS, ids=name)
def test_run_is_instantiated(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Pretrained weights would be downloaded; the meta device keeps large networks out of memory.
    arguments = ["--config", str(path), "--model.weights", "null", "--trainer.accelerator", "cpu"]
    with torch.device("meta"):
        made = GFMCommandLine(GFMTask, GFMData, run=False, args=arguments)
    given = yaml.safe_load(path.read_text())
    assert isinstance(made.trainer, Trainer)
    assert made.model.model.config.backbone == given["model"].get("backbone", "r34")
    assert made.datamodule.rosta == made.model.model.config.rosta
    for key, value in given.get("data", {}).items():
        if key != "crop":
            assert getattr(made.datamodule, key) == value


@pytest.mark.parametrize("path", ROUTES, ids=name)
def test_route_is_read(path):
    route = RouteOptions.from_yaml(path)
    for key, value in yaml.safe_load(path.read_text()).items():
        assert getattr(route, key) == value


def test_there_is_something_to_test():
    assert RUNS and ROUTES
