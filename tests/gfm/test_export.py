"""Exports: files that run like their networks, and wrong graphs that are refused."""

from __future__ import annotations

import copy
import functools
import json

import numpy as np
import onnx
import pytest
import torch
from exports import KINDS, hand_made, needs
from tiny import ROSTAS, build, draw_photograph, random_image, shared

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.commands.licence import licences_of
from gfm.export import exporting
from gfm.export.exporting import export
from gfm.export.parity import LIMIT
from gfm.models.contract import Licence
from gfm.models.glance_focus.exported import graph, output_names
from gfm.models.registry import get_system
from gfm.runtimes.model import load_exported
from rssn.imaging.errors import FailedInputs, InputError


class TestRefusal:
    @pytest.fixture(autouse=True)
    def wrong(self, monkeypatch):
        """The trace gives a graph that is not the network's."""
        monkeypatch.setattr(exporting, "_trace", lambda network, name: hand_made())

    @pytest.mark.parametrize("kind", KINDS)
    def test_wrong_graph_is_refused_and_leaves_what_was_there(self, kind, tmp_path):
        needs(kind)
        path = tmp_path / KINDS[kind]
        path.write_text("from before")
        with pytest.raises(FailedInputs, match=rf"{path.name}: .*PyTorch by \S+ in "):
            export(shared(), path, kind)
        assert [file.name for file in tmp_path.iterdir()] == [path.name]
        assert path.read_text() == "from before"

    def test_command_ends_with_1_and_names_the_file(self, tmp_path, capsys):
        save_model(shared(), tmp_path / "m.safetensors")
        command = ["export", "--model", str(tmp_path / "m.safetensors"), "--quiet", "--format"]
        out = tmp_path / "made" / "m.onnx"
        assert main([*command, "onnx", "--out", str(out)]) == 1
        assert f"failed: {out}: " in capsys.readouterr().err
        assert list(out.parent.iterdir()) == []
        assert main([*command, "onnx", "--out", str(tmp_path / "m.xml")]) == 2
        assert "saved as .onnx" in capsys.readouterr().err
        assert main([*command, "onnx", "--out", str(tmp_path / "m.safetensors" / "m.onnx")]) == 2
        assert "cannot be written" in capsys.readouterr().err

    def test_format_that_is_not_known_is_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"format='tflite' .*'onnx'"):
            export(shared(), tmp_path / "m.onnx", "tflite")


def check_runs_like(model, network):
    """Duties of every exported model."""
    assert model.config == network.config
    image = random_image(45, 70, batch=2, seed=3)
    of = graph(network)
    with torch.no_grad():
        wanted = dict(zip(of.outputs, of.module(image), strict=True))
    made = model.run({"image": image.numpy()}, of.outputs)
    found = dict(zip(of.outputs, map(torch.from_numpy, made), strict=True))
    for name, distance in of.distances(found, wanted).items():
        assert distance.max() < LIMIT, name
    for outputs in of.runs:
        assert model.bytes_per_pixel(outputs) == network.bytes_per_pixel(outputs)
        for name, alone in zip(outputs, model.run({"image": image.numpy()}, outputs), strict=True):
            assert np.abs(alone - found[name].numpy()).max() < 1e-5
    photograph = draw_photograph(1, 210, 300)
    for strategy in ("hybrid", "full"):
        mattes = [
            gfm.matte(photograph, runner, strategy=strategy, foreground="none").alpha
            for runner in (model, network)
        ]
        assert np.abs(mattes[0] - mattes[1]).mean() < LIMIT


@pytest.mark.integration
def test_onnx_file_runs_like_the_network(tmp_path, capsys):
    network = copy.deepcopy(shared())
    network.licences = [Licence("scans", "MIT", 1.0)]
    save_model(network, tmp_path / "m.safetensors")
    out = tmp_path / "m.onnx"
    command = ["export", "--model", str(tmp_path / "m.safetensors"), "--format", "onnx"]
    assert main([*command, "--out", str(out), "--quiet"]) == 0
    assert f"{out}: written, " in capsys.readouterr().out
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.onnx", "m.safetensors"]
    check_runs_like(gfm.load_model(out), shared())
    assert licences_of(str(out)) == network.licences
    graph = onnx.load(out).graph
    assert tuple(output.name for output in graph.output) == output_names(shared().config)
    (image,) = graph.input
    sides = image.type.tensor_type.shape.dim
    assert [side.dim_param or side.dim_value for side in sides] == ["batch", 3, "height", "width"]


@functools.cache
def traced(backbone, rosta):
    """A network and its graph, which both formats are written from."""
    network = build(backbone, rosta)
    graph = get_system(network.system).graph(copy.deepcopy(network).requires_grad_(False))
    return network, exporting._trace(graph, "m")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("backbone", "rosta"),
    [*(("timm:test_resnet", rosta) for rosta in ROSTAS), ("r34", "TT"), ("d121", "TT")],
)
def test_every_network_runs_like_itself(backbone, rosta, kind, tmp_path, monkeypatch):
    needs(kind)
    network, graph = traced(backbone, rosta)
    monkeypatch.setattr(exporting, "_trace", lambda network, name: copy.deepcopy(graph))
    path = tmp_path / KINDS[kind]
    made = export(network, path, kind)
    assert made.difference.value < LIMIT and all(file.is_file() for file in made.paths)
    check_runs_like(gfm.load_model(path), network)
    half = export(network, path, kind, half=True)
    assert half.size < 0.7 * made.size
    assert json.loads(load_exported(path).config.to_json())["backbone"] == backbone
