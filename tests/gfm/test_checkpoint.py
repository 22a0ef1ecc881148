"""Model files: what is written is what is read, and what cannot be read is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny import ROSTAS, build, random_image, shared

import gfm
from gfm.checkpoints.files import load_network, resolve_device, save_model
from gfm.checkpoints.means import load_mean
from gfm.checkpoints.metadata import CONFIG_KEY
from gfm.inference.loading import load_model
from rssn.imaging.errors import InputError


@pytest.mark.parametrize("rosta", ROSTAS)
def test_model_comes_back_from_its_file_alone(rosta, tmp_path):
    model = shared("timm:test_resnet", rosta)
    save_model(model, tmp_path / "made" / "m.safetensors")
    again = gfm.load_model(tmp_path / "made" / "m.safetensors", device="cpu")
    assert again.config == model.config and not again.training
    image = random_image(40, 64)
    with torch.no_grad():
        assert torch.equal(again(image).alpha, model(image).alpha)
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["m.safetensors"]


def test_mean_of_files_has_their_mean_weights(tmp_path):
    files, networks = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"], [build(), build()]
    for network, file in zip(networks, files, strict=True):
        for weight in network.parameters():
            torch.nn.init.normal_(weight)
        save_model(network, file)
    first, second = (dict(network.named_parameters()) for network in networks)
    for name, weight in load_mean(files).named_parameters():
        torch.testing.assert_close(weight, (first[name] + second[name]) / 2)


def test_half_precision_file_is_half_as_large_and_loads_in_float32(tmp_path):
    model = shared()
    for half, name in ((False, "whole"), (True, "half")):
        save_model(model, tmp_path / f"{name}.safetensors", half)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("half", "whole")]
    assert 0.49 < sizes[0] / sizes[1] < 0.56
    again = load_model(tmp_path / "half.safetensors", "cpu")
    for key, value in again.state_dict().items():
        wanted = model.state_dict()[key]
        assert value.dtype == wanted.dtype, key
        torch.testing.assert_close(value, wanted, rtol=2**-11, atol=2**-24)
        if "running" in key:
            assert torch.equal(value, wanted), key


def test_others_may_read_the_file_as_the_user_wants(tmp_path):
    save_model(shared(), tmp_path / "m.safetensors")
    (tmp_path / "plain").touch()
    modes = [(tmp_path / name).stat().st_mode for name in ("m.safetensors", "plain")]
    assert modes[0] == modes[1]


def test_metadata_holds_the_whole_configuration(tmp_path):
    model = build(bridge=False, pyramid="one", mean=(0.1, 0.2, 0.3))
    save_model(model, tmp_path / "m.safetensors")
    with safe_open(tmp_path / "m.safetensors", framework="pt") as file:
        values = json.loads(file.metadata()[CONFIG_KEY])
    assert values["backbone"] == "timm:test_resnet" and values["bridge"] is False
    assert values["pyramid"] == "one" and values["mean"] == [0.1, 0.2, 0.3]
    assert load_model(tmp_path / "m.safetensors", "cpu").config == model.config


def test_folder_with_a_model_is_taken(tmp_path):
    save_model(shared(), tmp_path / "model.safetensors")
    assert load_model(tmp_path, "cpu").config == shared().config


def test_channels_last_weights_are_saved(tmp_path):
    model = build().to(memory_format=torch.channels_last)
    save_model(model, tmp_path / "m.safetensors")
    for key, value in load_model(tmp_path / "m.safetensors", "cpu").state_dict().items():
        assert torch.equal(value, model.state_dict()[key]), key


def rewritten(folder: Path, change) -> Path:
    """A model file whose tensors and metadata `change` altered."""
    path = folder / "m.safetensors"
    save_model(shared(), path)
    tensors, metadata = load_file(path), {CONFIG_KEY: shared().config.to_json()}
    change(tensors, metadata)
    save_file(tensors, path, metadata)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors, metadata: metadata.clear(), "no configuration"),
        (lambda tensors, metadata: metadata.update({CONFIG_KEY: "{"}), "cannot be read"),
        (lambda tensors, metadata: metadata.update({CONFIG_KEY: '{"depth": 1}'}), "depth"),
        (
            lambda tensors, metadata: metadata.update({CONFIG_KEY: f'{{"width": {10**400}}}'}),
            "width=",
        ),
        (lambda tensors, metadata: tensors.pop("mean"), "configuration: mean"),
        (lambda tensors, metadata: tensors.update(more=torch.zeros(1)), "configuration: more"),
        (lambda tensors, metadata: tensors.update(mean=torch.zeros(3)), "configuration: mean"),
    ],
    ids=["none", "damaged", "newer", "huge", "missing", "left over", "misshaped"],
)
def test_file_that_does_not_fit_itself_is_refused(change, message, tmp_path):
    path = rewritten(tmp_path, change)
    with pytest.raises(InputError, match=message) as caught:
        load_model(path, "cpu")
    assert str(caught.value).startswith(f"{path}: ")


def test_other_files_are_refused(tmp_path):
    torch.save({"weight": torch.zeros(1)}, tmp_path / "released.pth")
    with pytest.raises(InputError, match=r"released\.pth: .*gfm convert"):
        load_model(tmp_path / "released.pth", "cpu")
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(InputError, match=r"broken\.onnx: .*ONNX file"):
        load_network(tmp_path / "broken.onnx", "cpu")
    with pytest.raises(InputError, match=r"none\.safetensors: .*\.safetensors file"):
        load_model(tmp_path / "none.safetensors", "cpu")
    with pytest.raises(InputError, match=r"model\.safetensors: "):
        load_model(tmp_path, "cpu")


def test_hub_id_offline_is_refused_with_the_reason(monkeypatch):
    # HF_HUB_OFFLINE=1, which the library reads only when it is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="nobody/nothing: "):
        load_model("nobody/nothing", "cpu")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "xpu"])
def test_device_that_is_not_there_is_refused(device):
    with pytest.raises(InputError, match=f"device='{device}' .*'cpu'"):
        resolve_device(device)


def test_auto_is_the_gpu_where_there_is_one():
    wanted = "cuda" if torch.cuda.is_available() else "cpu"
    assert resolve_device("auto").type == wanted
    assert resolve_device(torch.device("cpu")).type == "cpu"


def test_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"m\.pth: .*\.safetensors"):
        save_model(shared(), tmp_path / "m.pth")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/.*: cannot be written"):
        save_model(shared(), tmp_path / "file" / "m.safetensors")


class TestHub:
    def test_pretrained_folder_comes_back(self, tmp_path):
        model = shared()
        model.save_pretrained(tmp_path / "m")
        assert sorted(p.name for p in (tmp_path / "m").iterdir()) == [
            "config.json",
            "model.safetensors",
        ]
        again = gfm.GFM.from_pretrained(tmp_path / "m", device="cpu")
        assert again.config == model.config and not again.training
        assert torch.equal(again.state_dict()["mean"], model.state_dict()["mean"])

    def test_configuration_beside_the_file_stands_in_for_lost_metadata(self, tmp_path):
        shared().save_pretrained(tmp_path)
        path = tmp_path / "model.safetensors"
        save_file(load_file(path), path)
        assert load_model(tmp_path, "cpu").config == shared().config
        (tmp_path / "config.json").write_bytes(b"\xff\xfe\xff")
        with pytest.raises(InputError, match="configuration cannot be read"):
            load_model(tmp_path, "cpu")

    def test_hub_id_is_downloaded(self, tmp_path, monkeypatch):
        shared().save_pretrained(tmp_path)
        asked = []

        def download(hub_id: str, name: str) -> str:
            asked.append((hub_id, name))
            return str(tmp_path / name)

        monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
        assert load_model("someone/matting", "cpu").config == shared().config
        assert asked == [("someone/matting", "model.safetensors")]

    def test_upload_holds_model_and_configuration(self, monkeypatch):
        sent = {}

        class Api:
            def __init__(self, token: str | None) -> None:
                sent["token"] = token

            def create_repo(self, hub_id: str, private: bool, exist_ok: bool) -> None:
                sent["made"] = (hub_id, private, exist_ok)

            def upload_folder(self, repo_id: str, folder_path: str) -> str:
                sent["files"] = sorted(path.name for path in Path(folder_path).iterdir())
                return f"https://hub/{repo_id}"

        monkeypatch.setattr("huggingface_hub.HfApi", Api)
        address = shared().push_to_hub("someone/matting", private=True, token="t")
        assert address == "https://hub/someone/matting"
        assert sent == {
            "token": "t",
            "made": ("someone/matting", True, True),
            "files": ["config.json", "model.safetensors"],
        }

    def test_upload_that_is_refused_is_said(self, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(InputError, match="someone/matting: "):
            shared().push_to_hub("someone/matting", token="t")
