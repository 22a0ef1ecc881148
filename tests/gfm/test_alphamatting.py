"""Results on alphamatting.com by the type of the trimaps, with mattes that are known."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from tiny import draw_matte, draw_photograph
from trimaps import write_trimap

from data_tools.__main__ import main as prepare
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_alpha, write_rgb

SCRIPT = Path(__file__).parents[2] / "scripts/alphamatting.py"
ALPHA = draw_matte()


@pytest.fixture
def script(monkeypatch):
    """The script; its mattes are 0.5 wherever the trimap is unknown."""
    spec = importlib.util.spec_from_file_location("alphamatting", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def matte(arguments):
        given = dict(zip(arguments[2::2], arguments[3::2], strict=False))
        for path in Path(given["--trimap"]).iterdir():
            folder = Path(given["--out"]) / "alpha"
            folder.mkdir(parents=True, exist_ok=True)
            write_alpha(folder / path.name, read_alpha(path))
        return 0

    monkeypatch.setattr(module, "run_gfm", matte)
    return module


@pytest.fixture
def data(tmp_path):
    """One training photograph with two trimaps, one test photograph with the third."""
    trimaps = {
        "input_training_lowres/GT01": ("trimap_training_lowres/Trimap1", 2),
        "": ("trimap_training_lowres/Trimap2", 8),
        "input_lowres/troll": ("trimap_lowres/Trimap3", 4),
    }
    source = tmp_path / "download"
    y, x = np.mgrid[0:48, 0:64]
    distance = np.abs(np.hypot(y - 24, x - 32) - 14)
    for image, (folder, band) in trimaps.items():
        name = "troll" if "troll" in image else "GT01"
        (source / folder).mkdir(parents=True)
        labels = np.where(distance < band, 1, 2 * (ALPHA > 0.5)).astype(np.uint8)
        write_trimap(source / folder / f"{name}.png", labels)
        if image:
            (source / image).parent.mkdir(exist_ok=True)
            write_rgb(source / f"{image}.png", draw_photograph(0))
    (source / "gt_training_lowres").mkdir()
    write_alpha(source / "gt_training_lowres/GT01.png", ALPHA)
    out = tmp_path / "data"
    command = ["prepare", "--layout", "alphamatting", "--source", str(source), "--out", str(out)]
    assert prepare([*command, "--quiet", "--workers", "1"]) == 0
    assert sorted(split.name for split in out.iterdir()) == [
        "test-lowres-trimap3",
        "training-lowres",
        "training-lowres-trimap2",
    ]
    return out


def test_errors_by_type_beside_published_ones(script, data, tmp_path, capsys):
    out = tmp_path / "out"
    assert script.main(["--data", str(data), "--model", "any", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "user trimaps: mattes to send to the site" in told and "LSA, backpropagated" in told
    means = json.loads((out / "results.json").read_text())["means"]
    small, large = (means[f"training, lowres, {kind} trimaps"] for kind in ("small", "large"))
    assert len(means) == 2 and small["sad"] < large["sad"]
    unknown = read_alpha(data / "training-lowres/trimap/GT01.png") == np.float32(128 / 255)
    error = np.abs(128 / 255 - ALPHA)[unknown].sum()
    known = np.abs((read_alpha(data / "training-lowres/trimap/GT01.png") > 0.6) - ALPHA)[~unknown]
    assert small["sad"] == pytest.approx((error + known.sum()) / 1000, rel=1e-5)


def test_folder_without_splits_is_refused(script, tmp_path, capsys):
    command = ["--data", str(tmp_path), "--model", "any", "--out", str(tmp_path / "out")]
    assert script.main(command) == 2
    assert "--layout alphamatting" in capsys.readouterr().err
