"""Sizes of the networks against the published ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gfm.__main__ import main
from gfm.commands.info import PUBLISHED, count_multiply_adds, count_parameters, published_for
from gfm.encoders.build import build_encoder
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM

# Millions of parameters: the paper's table 7, but for r34_2b, where it prints 126.85.
RELEASED_PARAMETERS = {"d121": 46.96, "r34": 55.29, "r34_2b": 125.88, "r101": 497.26}


def on_meta(**options):
    with torch.device("meta"):
        return GFM(GFMConfig(**options)).eval()


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_parameters_are_the_published_ones_less_the_unused(backbone):
    ours = sum(count_parameters(on_meta(backbone=backbone)).values())
    released = ours + sum(PUBLISHED[backbone].unused.values())
    assert round(released / 1e6, 2) == RELEASED_PARAMETERS[backbone]


@pytest.mark.parametrize("backbone", PUBLISHED)
def test_multiply_adds_are_those_of_the_released_code(backbone):
    for rosta in ("TT", "FT"):
        counted = count_multiply_adds(on_meta(backbone=backbone, rosta=rosta), 800, 800)
        gmac = sum(counted.values()) / 1e9
        assert gmac == pytest.approx(PUBLISHED[backbone].released_gmac, rel=5e-3)
        if rosta != "TT":  # the released count has two classes
            assert gmac == pytest.approx(PUBLISHED[backbone].released_gmac, abs=0.01)


def test_every_parameter_belongs_to_one_part():
    model = on_meta(backbone="timm:lcnet_050", rosta="RIM")
    counted = count_parameters(model)
    assert list(counted) == ["encoder", "glance", "focus", "rim"]
    assert sum(counted.values()) == sum(p.numel() for p in model.parameters())
    assert counted["rim"] == (3 * 16 + 16) + 16 * 4 + 4 * 16 + (16 + 1)


@pytest.mark.parametrize(
    ("backbone", "channels", "strides"),
    [
        ("r34", (64, 64, 128, 256, 512), (2, 4, 8, 16, 32)),
        ("r101", (64, 256, 512, 1024, 2048), (2, 4, 8, 16, 32)),
        ("d121", (64, 128, 256, 512, 512), (2, 4, 8, 16, 32)),
        ("r34_2b", (64, 64, 128, 256, 512, 512, 512), (1, 1, 2, 4, 8, 16, 32)),
    ],
)
def test_encoders_have_the_levels_of_the_released_code(backbone, channels, strides):
    with torch.device("meta"):
        levels = build_encoder(backbone).eval()(torch.empty(1, 3, 64, 96))
    wanted = [(1, c, 64 // s, 96 // s) for c, s in zip(channels, strides, strict=True)]
    assert [tuple(level.shape) for level in levels] == wanted


def test_command_shows_both(capsys):
    assert main(["info", "--backbone", "r34", "--rosta", "TT"]) == 0
    out = capsys.readouterr().out
    for text in ("54,773,316", "513,000", "55,286,316", "131.81", "131.72", "132.28", "55.29 M"):
        assert text in out
    assert main(["info", "--backbone", "timm:test_resnet", "--width", "0.25"]) == 0
    assert "released" not in capsys.readouterr().out


@pytest.mark.integration
def test_script_times_the_networks_of_table_7():
    script = Path(__file__).parents[2] / "scripts" / "bench_infer.py"
    options = "--table-7 --backbones r34 --side 64 --rounds 1 --threads 1 --device cpu".split()
    done = subprocess.run(
        [sys.executable, str(script), *options], capture_output=True, text=True, check=True
    )
    head, _, row = done.stdout.splitlines()
    assert head.startswith("GFM-TT at 64x64 on cpu (1 threads); paper: 800x800 on a Tesla V100")
    backbone, parameters, unit, paper_parameters, gmac, paper_gmac, seconds, paper = row.split()
    assert (backbone, parameters, unit, paper_parameters) == ("r34", "54.77", "M", "55.29")
    assert float(gmac) == pytest.approx(131.81 * (64 / 800) ** 2, rel=0.02)
    assert (paper_gmac, paper) == ("132.28", "0.1734") and 0 < float(seconds) < 60


def test_command_names_what_is_wrong(capsys):
    assert main(["info", "--backbone", "r35"]) == 2
    assert "backbone='r35' " in capsys.readouterr().err
    assert main(["info", "--side", "0"]) == 2
    assert "--side 0: " in capsys.readouterr().err


def test_an_ablation_is_not_compared():
    assert published_for(GFMConfig("r34", glance_activation="sigmoid")) is PUBLISHED["r34"]
    assert published_for(GFMConfig("r34", bridge=False)) is None
    assert published_for(GFMConfig("r34", width=0.5)) is None
