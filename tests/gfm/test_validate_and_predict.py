"""`gfm validate`, `test` and `predict` on tiny data."""

from __future__ import annotations

import numpy as np
import pytest
from runs import CPU, rows
from tiny import build, draw_matte, draw_photograph

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.inference.loading import load_model
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import write_alpha, write_rgb

pytestmark = pytest.mark.usefixtures("in_tmp_path")


@pytest.mark.parametrize("command", ["validate", "test"])
def test_photographs_are_compared(data, ft_model, tmp_path, command, capfd):
    photographs = data / "photographs"
    given = (*CPU, "--model.model", ft_model, "--data.validation", str(photographs))
    assert main([command, *given, "--model.strategy", "full"]) == 0
    assert f"{command.title()}: 2/2, " in capfd.readouterr().err
    (row,) = rows(tmp_path / "runs" / "version_0")
    model = load_model(ft_model, "cpu")
    errors = []
    for name in ("p0", "p1"):
        path = photographs / "original" / f"{name}.png"
        made = gfm.matte(path, model, strategy="full", foreground="none")
        errors.append(np.abs(made.alpha - read_alpha(photographs / "mask" / f"{name}.png")).mean())
    stage = {"validate": "val", "test": "test"}[command]
    assert float(row[f"{stage}_mad"]) == pytest.approx(np.mean(errors), rel=1e-4)


@pytest.mark.parametrize("given", [(), ("--model.d1", "4")], ids=["model", "user"])
def test_passes_are_those_of_gfm_matte(tmp_path, given):
    """A model that asks for sides of its own is validated on its passes, without refinement."""
    model = build(glance_side=64, focus_side=128)
    save_model(model, tmp_path / "sides.safetensors")
    (tmp_path / "original").mkdir()
    (tmp_path / "mask").mkdir()
    photograph, alpha = draw_photograph(0, 128, 192), draw_matte(128, 192, radius=40)
    write_rgb(tmp_path / "original" / "p.png", photograph)
    write_alpha(tmp_path / "mask" / "p.png", alpha)
    options = (*CPU, "--model.model", "sides.safetensors", "--data.validation", str(tmp_path))
    assert main(["validate", "--quiet", *options, *given]) == 0
    made, other = (
        gfm.matte(photograph, model, d1=d1, foreground="none", refine="none").alpha
        for d1 in ((4, None) if given else (None, 4))
    )
    (row,) = rows(tmp_path / "runs" / "version_0")
    assert float(row["val_mad"]) == pytest.approx(np.abs(made - alpha).mean(), rel=1e-4)
    assert np.abs(other - alpha).mean() != pytest.approx(np.abs(made - alpha).mean(), rel=1e-3)


def test_predict_writes_the_mattes(data, ft_model, tmp_path, capfd):
    photographs = data / "photographs" / "original"
    given = ("--data.photographs", str(photographs), "--data.mattes", "mattes")
    assert main(["predict", "--quiet", *CPU, "--model.model", ft_model, *given]) == 0
    assert "Predict" not in capfd.readouterr().err
    assert sorted(path.name for path in (tmp_path / "mattes").iterdir()) == ["p0.png", "p1.png"]
    wanted = gfm.matte(photographs / "p1.png", load_model(ft_model, "cpu"), foreground="none")
    made = read_alpha(tmp_path / "mattes" / "p1.png")
    np.testing.assert_allclose(made, wanted.alpha, atol=0.501 / 255)
