"""Modules that a process loads up to its first matte, and encoders built without timm."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import draw_photograph

from gfm.encoders.build import build_encoder
from gfm.encoders.densenet import DenseNet
from gfm.encoders.resnet import SHAPES, ResNet
from rssn.imaging.writing import write_rgb

ROOT = Path(__file__).parents[2]
LOADED = "import json, sys; print(json.dumps([name for name in sys.modules if '.' not in name]))"
# Each takes seconds to import, and none is needed to matte a photograph with a model at hand.
HEAVY = {
    *("timm", "torchvision", "pytorch_lightning", "albumentations", "pandas", "pymatting"),
    *("wandb", "fsspec", "upath", "huggingface_hub", "onnx", "onnxruntime", "openvino"),
}


def loaded(code: str, *arguments: object) -> set[str]:
    """The packages that are loaded after some code has run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.integration
def test_matting_loads_nothing_heavy(tmp_path):
    write_rgb(tmp_path / "p.png", draw_photograph(0))
    code = "import sys, gfm; gfm.matte(sys.argv[1], gfm.load_model(device='cpu'))"
    names = loaded(code, tmp_path / "p.png")
    assert {"onnxruntime", "cv2"} <= names
    assert not names & {*HEAVY, "torch", "numba", "scipy", "rich"} - {"onnxruntime"}


@pytest.mark.integration
@pytest.mark.parametrize("given", [["--version"], ["--help"], ["matte", "--help"]], ids=" ".join)
def test_help_loads_no_torch(given):
    code = (
        "import contextlib, sys\nfrom gfm.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(sys.argv[1:])"
    )
    assert not loaded(code, *given) & {*HEAVY, "torch", "numba"}


@pytest.mark.integration
@pytest.mark.parametrize(("given", "wanted"), [(None, "passive"), ("active", "active")])
def test_waiting_threads_sleep_unless_the_user_says_else(given, wanted, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    code = (
        "import contextlib, os, sys\nfrom gfm.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(['--version'])\n"
        "sys.exit('torch' in sys.modules or os.environ['OMP_WAIT_POLICY'] != sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, wanted], check=True, capture_output=True)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_resnets_are_those_of_timm(name):
    import timm

    theirs = timm.create_model(name, features_only=True).eval()
    for norm in (each for each in theirs.modules() if isinstance(each, torch.nn.BatchNorm2d)):
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)  # timm begins with shortcuts alone
        torch.nn.init.normal_(norm.running_mean, 0, 0.1)
    with torch.device("meta"):  # takes over their tensors
        ours = ResNet(SHAPES[name]).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.channels == tuple(theirs.feature_info.channels())
    ours.load_state_dict(theirs.state_dict(), assign=True)
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        for got, wanted in zip(ours(image), theirs(image), strict=True):
            assert torch.equal(got, wanted)


def test_densenet_is_that_of_timm():
    import timm

    theirs = timm.create_model("densenet121", num_classes=0).eval()
    ours = DenseNet().eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.equal(ours.features(image), theirs.features(image))


def test_random_values_are_spread_as_timm_spreads_them():
    import timm

    for ours, theirs in (
        (ResNet(SHAPES["test_resnet"]), timm.create_model("test_resnet", features_only=True)),
        (DenseNet(), timm.create_model("densenet121", num_classes=0)),
    ):
        wanted = theirs.state_dict()
        for name, value in ours.state_dict().items():
            if value.numel() > 1000:
                assert value.std() == pytest.approx(float(wanted[name].std()), rel=0.1), name
            elif value.ndim == 1:
                assert torch.equal(value, wanted[name]), name


@pytest.mark.parametrize("backbone", ["r34", "d121", "r34_2b"])
def test_encoders_of_the_paper_start_from_a_file_of_timm(backbone, tmp_path):
    import timm

    whole = timm.create_model("densenet121" if backbone == "d121" else "resnet34")
    torch.save(whole.state_dict(), tmp_path / "timm.pth")
    encoder = build_encoder(backbone, tmp_path / "timm.pth")
    ours, theirs = {
        "r34": ("body.conv1", "conv1"),
        "d121": ("stages.0.0", "features.conv0"),
        "r34_2b": ("stages.1.0.conv1", "layer1.0.conv1"),
    }[backbone]
    first = whole.get_parameter(f"{theirs}.weight")
    assert torch.equal(encoder.get_parameter(f"{ours}.weight"), first)
