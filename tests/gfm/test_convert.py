"""Released checkpoints: golden outputs, names that are all accounted for, and refusals."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from golden import OUTPUTS, RELEASED, golden_outputs, released_entries, released_weights

from gfm import load_model
from gfm.__main__ import main
from gfm.encoders.build import build_encoder
from gfm.encoders.weights import read_state_dict
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.released import (
    RELEASED_BACKBONES,
    convert,
    convert_state_dict,
    fitting_variant,
    released_config,
    rename,
)
from rssn.imaging.errors import InputError

SLOW = ("r34_FT", "r34_BT", "r34_2b_TT")  # the first two are parts of r34_RIM as well
TIE = 1e-3
UNUSED = r"resnet\.(fc|conv1|bn1)\.|densenet\.(classifier|features\.norm5)\.|psp1\."


@pytest.mark.parametrize(
    "variant",
    [pytest.param(v, marks=pytest.mark.slow if v in SLOW else ()) for v in OUTPUTS],
)
def test_converted_networks_give_the_golden_outputs(variant):
    backbone, rosta = variant.rsplit("_", 1)
    state = {k: torch.from_numpy(v) for k, v in released_weights(backbone, rosta).items()}
    image, golden = golden_outputs(backbone, rosta)
    config = released_config(backbone, rosta)
    model = convert_state_dict(state, config).model.double()
    with torch.inference_mode():
        output = model(torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255)
    parts = {"": output}
    if config.rosta == "RIM":
        parts = {"tt_": output.tt, "ft_": output.ft, "bt_": output.bt}
    tied = np.zeros(golden["fusion"].shape, bool)
    for prefix, part in parts.items():
        assert np.abs(part.glance.numpy() - golden[prefix + "glance"]).max() < OUTPUTS[variant]
        assert np.abs(part.focus.numpy() - golden[prefix + "focus"]).max() < 2e-5
        best = np.sort(golden[prefix + "glance"], axis=1)
        tied |= (best[:, -1:] - best[:, -2:-1]) < TIE
        apart = np.abs(part.alpha.numpy() - golden[prefix + "fusion"])
        assert apart[~tied].max() < 2e-5
    assert tied.mean() < 0.02
    if config.rosta == "RIM":  # released without bounds, here clamped
        apart = np.abs(output.alpha.numpy() - golden["fusion"].clip(0, 1))
        assert apart[~tied].max() < 2e-5


@pytest.mark.parametrize(("backbone", "rosta"), RELEASED)
def test_every_released_entry_is_used_once_or_known_to_be_unused(backbone, rosta):
    shapes, aliases = released_entries(backbone, rosta)
    state = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    fit = fitting_variant(state)
    assert fit is not None and fit[0] == backbone and rosta in fit[1]
    config = released_config(backbone, rosta)
    with torch.device("meta"):
        wanted = {k: v.shape for k, v in GFM(config).state_dict().items()}
    renamed = {key: rename(key, config) for key in state}
    used = [ours for ours in renamed.values() if ours in wanted]
    assert sorted([*used, "mean", "scale"]) == sorted(wanted)
    for key, ours in renamed.items():
        if ours in wanted:
            assert state[key].shape == wanted[ours]
        else:  # a second copy, the classifier, DenseNet's last norm, or r34_2b's leftovers
            twice = key in aliases.values() or key.endswith("num_batches_tracked")
            assert twice or re.match(UNUSED, key), key


# What the released r34 calls its parts, beside our names; written from the released key lists.
RELEASED_NAMES = (
    ("encoder.body.conv1.", "encoder0.0."),
    ("encoder.body.bn1.", "encoder0.1."),
    ("encoder.body.layer1.", "encoder1.1."),
    ("encoder.body.layer2.", "encoder2."),
    ("encoder.body.layer3.", "encoder3."),
    ("encoder.body.layer4.", "encoder4."),
    ("glance.pyramid.projections.0.", "psp_module.stages.0.1."),
    ("glance.pyramid.projections.1.", "psp_module.stages.1.1."),
    ("glance.pyramid.projections.2.", "psp_module.stages.2.1."),
    ("glance.pyramid.bottleneck.", "psp_module.bottleneck."),
    ("glance.guides.0.", "psp4."),
    ("glance.guides.1.", "psp3."),
    ("glance.guides.2.", "psp2."),
    ("glance.guides.3.", "psp1."),
    ("glance.blocks.0.", "decoder4_g."),
    ("glance.blocks.1.", "decoder3_g."),
    ("glance.blocks.2.", "decoder2_g."),
    ("glance.blocks.3.", "decoder1_g."),
    ("glance.heads.TT.", "decoder0_g."),
    ("focus.bridge.", "bridge_block."),
    ("focus.blocks.0.", "decoder4_f."),
    ("focus.blocks.1.", "decoder3_f."),
    ("focus.blocks.2.", "decoder2_f."),
    ("focus.blocks.3.", "decoder1_f."),
    ("focus.heads.TT.", "decoder0_f."),
)


@pytest.fixture(scope="module")
def original():
    """Every entry of our r34, each filled with a number of its own, in almost no memory."""
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in GFM(released_config("r34", "TT")).state_dict().items()}
    return {key: torch.tensor(float(i)).expand(shapes[key]) for i, key in enumerate(shapes)}


@pytest.fixture(scope="module")
def released(original):
    """The checkpoint that the released code would have saved of `original`."""
    state = {}
    for key, value in original.items():
        for ours, theirs in RELEASED_NAMES:
            if key.startswith(ours):
                state[theirs + key.removeprefix(ours)] = value
                if key.startswith("encoder.body."):
                    state["resnet." + key.removeprefix("encoder.body.")] = value
    return state | {"resnet.fc.weight": torch.zeros(1000, 512), "resnet.fc.bias": torch.zeros(1000)}


def test_command_converts_a_saved_checkpoint(original, released, tmp_path, capsys):
    path, out = tmp_path / "r34.pth", tmp_path / "made" / "model.safetensors"
    torch.save({f"module.{key}": value for key, value in released.items()}, path)
    command = ["convert", str(path), "--backbone", "r34", "--rosta", "TT", "--out", str(out)]
    assert main(command) == 0
    assert "not needed: 218 of resnet.*" in capsys.readouterr().out
    model = load_model(out, "cpu")
    out.unlink()  # 220 MB
    assert model.config == released_config("r34", "TT") and not model.training
    ours = model.state_dict()
    assert (ours.pop("mean") == 0).all() and (ours.pop("scale") == 255).all()
    for key, value in ours.items():
        assert (value == original[key]).all(), key


def test_nested_state_dict_is_found(released, tmp_path):
    torch.save({"epoch": 3, "state_dict": released}, tmp_path / "run.pth")
    assert len(convert(tmp_path / "run.pth", "r34", "TT").unused) == 218


def test_missing_left_over_and_misshaped_entries_are_named(released):
    state = dict(released)
    del state["psp4.0.weight"]
    state["extra.weight"] = torch.zeros(1)
    state["psp3.0.bias"] = torch.zeros(7)
    with pytest.raises(InputError) as caught:
        convert_state_dict(state, released_config("r34", "TT"))
    message = str(caught.value)
    assert message.startswith("does not fit --backbone r34 --rosta TT: ")
    assert "missing glance.guides.0.0.weight;" in message
    assert "left over extra.weight;" in message
    assert "of another shape psp3.0.bias (7,) instead of (128,);" in message
    assert "it is of that variant, but changed or damaged" in message


@pytest.mark.parametrize(
    ("backbone", "rosta"), [("r101", "TT"), ("d121", "TT"), ("r34_2b", "TT"), ("r34", "FT")]
)
def test_fitting_options_are_suggested(released, backbone, rosta):
    with pytest.raises(InputError, match="--backbone r34 --rosta TT"):
        convert_state_dict(released, released_config(backbone, rosta))


def test_other_files_are_refused(tmp_path, capsys):
    other = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(1)}, other)
    command = ["convert", str(other), "--backbone", "r34", "--rosta", "TT"]
    assert main([*command, "--out", str(tmp_path / "m.safetensors")]) == 2
    assert "no released GFM checkpoint" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"backbone='r18' .*'r34'"):
        convert(other, "r18", "TT")
    with pytest.raises(InputError, match=r"^none\.pth: "):
        convert("none.pth", "r34", "TT")
    assert RELEASED_BACKBONES == ("r34", "r34_2b", "d121", "r101")


class Intruder:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickled_code_is_not_run(tmp_path):
    trace = tmp_path / "trace"
    torch.save({"weight": torch.zeros(1), "x": Intruder(trace)}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match=r"evil\.pth: .*run code") as caught:
        read_state_dict(tmp_path / "evil.pth")
    assert "weights_only" not in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(2), {"epoch": 1}, {"model": None}, {}])
def test_files_without_tensors_by_name_are_refused(content, tmp_path):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(InputError, match=r"x\.pth: .*state dict"):
        read_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize("content", [b"", b"hello world", b"PK\x03\x04 cut"])
def test_damaged_files_are_refused(content, tmp_path):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pth: "):
        read_state_dict(tmp_path / "x.pth")
    with pytest.raises(InputError, match="no such file"):
        read_state_dict(tmp_path / "y.pth")


@pytest.mark.parametrize("name", ["test_resnet", "lcnet_050", "test_convnext"])
def test_encoder_starts_from_a_local_file_of_the_whole_timm_model(name, tmp_path):
    import timm

    whole = timm.create_model(name)
    torch.save(whole.state_dict(), tmp_path / "timm.pth")
    body = build_encoder(f"timm:{name}", tmp_path / "timm.pth").body.state_dict()
    plain = {key.replace(".", "_"): value for key, value in whole.state_dict().items()}
    for key, value in body.items():
        assert torch.equal(value, plain[key.replace(".", "_")]), key


def test_weights_of_another_encoder_are_refused(tmp_path):
    import timm

    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "timm.pth")
    with pytest.raises(InputError, match=r"missing blocks\.0"):
        build_encoder("timm:lcnet_050", tmp_path / "timm.pth")


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("r50", "backbone='r50' .*'r34'"),
        ("timm:resnet35", "'resnet35'; alike: none$"),
        ("timm:convnext_tin", "'convnext_tin'; alike: convnext_"),
        ("timm:test_vit", r"strides \(16, 16, 16\)"),
    ],
)
def test_unfit_encoders_are_refused(backbone, message):
    with pytest.raises(InputError, match=message):
        build_encoder(backbone)


def test_timm_name_with_its_weights_tag_is_taken():
    assert build_encoder("timm:resnet18.a1_in1k").channels == (64, 64, 128, 256, 512)


def test_swin_gives_channels_first_levels_at_any_size():
    encoder = build_encoder("timm:swin_tiny_patch4_window7_224").eval()
    with torch.no_grad():
        levels = encoder(torch.rand(1, 3, 64, 96))
    assert [tuple(level.shape[1:]) for level in levels] == [
        *((48, 32, 48), (96, 16, 24), (192, 8, 12), (384, 4, 6), (768, 2, 3))
    ]
