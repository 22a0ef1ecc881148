"""The configurations of FBA are the rows of the paper's tables 2 and 3, and its final recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gfm.commands.fit import command_line
from rssn.build.builder import parser

FOLDER = Path(__file__).parents[2] / "configs/fba"
ALPHA = ("l1", "composition", "laplacian", "gradient")
FB = ("l1", "composition", "laplacian", "exclusion")
# Norm, crops per step, terms of alpha, terms of F and B, their region, activation.
ROWS = {
    "row_01": ("batch", 6, ALPHA[:1], (), "whole", "sigmoid"),
    "row_02": ("batch", 6, ALPHA[:2], (), "whole", "sigmoid"),
    "row_03": ("batch", 6, ALPHA[:3], (), "whole", "sigmoid"),
    "row_04": ("batch", 6, ALPHA, (), "whole", "sigmoid"),
    "row_05": ("group", 6, ALPHA, (), "whole", "sigmoid"),
    "row_06": ("group", 1, ALPHA, (), "whole", "sigmoid"),
    "row_07": ("group", 1, ALPHA, (), "whole", "clamp"),
    "row_08": ("group", 1, ALPHA, FB[:3], "unknown", "sigmoid"),
    "row_09": ("group", 1, ALPHA, FB, "unknown", "sigmoid"),
    "row_10": ("group", 1, ALPHA, FB, "unknown", "clamp"),
    "row_11": ("group", 1, ALPHA, FB, "whole", "clamp"),
    "alpha": ("group", 1, ALPHA, (), "whole", "clamp"),
    "final": ("group", 1, ALPHA, FB, "whole", "clamp"),
}


def test_every_file_is_a_row():
    assert {path.stem for path in FOLDER.iterdir()} == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_configuration_is_that_of_the_paper(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ("--config", str(FOLDER / f"{name}.yaml"), "--model.init_args.weights", "null")
    with torch.device("meta"):
        made = command_line([*given, "--trainer.accelerator", "cpu"], is_run=False)
    task, data = made.model, made.datamodule
    config, loss = task.model.config, task.loss
    assert ROWS[name] == (
        *(config.norm, data.batch_size, loss.alpha, loss.colours, loss.colours_region),
        config.activation,
    )
    assert config.outputs == ("alpha_fb" if loss.colours else "alpha")
    assert (data.crop.sides, data.crop.size) == ((640, 480, 320), 320)
    assert (data.crop.second, data.crop.twice, data.crop.transition) == (0.5, True, 1.0)
    long = name in ("alpha", "final")
    assert made.trainer.max_epochs == (45 if long else 20)
    assert task.hparams["schedule"] == ("step" if long else "constant")
    assert task.hparams["learning_rate"] == 1e-5


def test_build_is_read():
    lines = (FOLDER / "final.yaml").read_text().splitlines()
    (build,) = (line for line in lines if "rssn.build" in line)
    given = parser().parse_args(build.partition("rssn.build ")[2].split())
    assert (given.content, given.route, given.k) == ("sources", "coco", 100) and given.extend
