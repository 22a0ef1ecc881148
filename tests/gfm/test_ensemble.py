"""EN-median of the paper's table 5: the median of several networks, by a configuration."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import yaml
from tiny import build, write_photographs, write_shards

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.metrics import evaluate
from gfm.models.glance_focus.config import GFMConfig
from gfm.tracking.published import published
from gfm.tracking.rows import row_of
from gfm.tracking.summary import RunSummary
from gfm.training.validation import photograph_errors
from rssn.imaging.reading import read_alpha, read_rgb

CONFIG = Path(__file__).parents[2] / "configs" / "hybrid" / "median.yaml"
QUIET = ("--quiet", "--trainer.accelerator", "cpu", "--data.workers", "0")


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Networks of the three representations under the names that the configuration has."""
    monkeypatch.chdir(tmp_path)
    made = {rosta: build(rosta=rosta) for rosta in ("TT", "FT", "BT")}
    for rosta, model in made.items():
        save_model(model, tmp_path / f"{rosta}.safetensors")
    return made


@pytest.mark.integration
def test_median_of_the_configuration_is_validated(models, tmp_path):
    photographs = write_photographs(tmp_path / "photographs", 2)
    given = ("--data.validation", str(photographs), "--run.dataset", "AM-2k")
    assert main(["validate", "--config", str(CONFIG), *QUIET, *given]) == 0
    summary = RunSummary.read(tmp_path / "runs" / "version_0")
    wanted = []
    for name in ("p0", "p1"):
        image = read_rgb(photographs / "original" / f"{name}.png")
        mattes = [
            gfm.matte(image, model, d1=3, d2=3, foreground="none").alpha
            for model in models.values()
        ]
        alpha = read_alpha(photographs / "mask" / f"{name}.png")
        wanted.append(photograph_errors(np.median(mattes, axis=0), alpha))
        assert evaluate(mattes[0], alpha)["sad"] != pytest.approx(wanted[-1]["sad"], rel=1e-3)
    for metric in ("sad", "mse", "sad_fg"):
        mean = np.mean([row[metric] for row in wanted])
        assert summary.last.metrics[metric] == pytest.approx(mean, rel=1e-4)
    networks = ", ".join(f"GFM-{r}(timm:test_resnet) at width 0.25" for r in ("BT", "FT", "TT"))
    assert summary.row.name == f"EN-median of {networks}, d1=3, d2=3"
    kept = yaml.safe_load((tmp_path / "runs" / "version_0" / "config.yaml").read_text())
    assert kept["model"]["init_args"]["ensemble"] == ["FT.safetensors", "BT.safetensors"]


def test_training_by_the_median_is_refused(models, tmp_path, capsys):
    shards = write_shards(tmp_path / "shards", (2,))
    options = ("--data.shards", str(shards), "--model.ensemble", "[FT.safetensors]")
    options += ("--model.model", "TT.safetensors")
    assert main(["fit", *QUIET, *options]) == 2
    assert "model.ensemble=['FT.safetensors']: has no effect on a training" in (
        capsys.readouterr().err
    )


def test_the_order_of_the_networks_does_not_matter():
    for rostas in permutations(("TT", "FT", "BT")):
        first, *others = (GFMConfig("d121", rosta) for rosta in rostas)
        row = row_of(first, "AM-2k", "ori", "hybrid", 3, 3, others)
        assert row.name == "EN-median of GFM-BT(d), GFM-FT(d), GFM-TT(d) at d1=3, d2=3"
        assert published(row).metrics["sad"] == 10.62 and published(row).table == 5
    two = row_of(GFMConfig("d121", "BT"), "AM-2k", "ori", "hybrid", 3, 3, others[:1])
    assert published(two) is None
