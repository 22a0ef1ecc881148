"""Exported networks: compared before they get their name, refused if wrong, run like a network."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import ROSTAS, build, draw_photograph, parts_of, random_image, shared

import gfm
from gfm.__main__ import main
from gfm.checkpoints.files import save_model
from gfm.checkpoints.metadata import CONFIG_KEY
from gfm.commands.licence import licences_of
from gfm.export import exporting
from gfm.export.exporting import export
from gfm.export.parity import LIMIT, SIZES, check_export, picture
from gfm.models.contract import Licence
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.exported import FIELDS, graph, matte_distance, output_names, part_name
from gfm.models.glance_focus.network import Matting
from gfm.models.registry import get_system
from gfm.runtimes.model import RUNTIMES, load_exported
from gfm.runtimes.onnx_file import OnnxFile
from rssn.imaging.errors import FailedInputs, InputError

KINDS = {"onnx": "m.onnx", "openvino": "m.xml"}


def needs(kind):
    if kind == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")


def hand_made(metadata=True, outputs=("glance", "focus", "alpha")):
    """A graph of TT: the glance is the image, the focus its mean, alpha the focus's square."""
    values = {
        name: onnx.helper.make_tensor_value_info(
            name, onnx.TensorProto.FLOAT, ["batch", channels, "height", "width"]
        )
        for name, channels in {"image": 3, "glance": 3, "focus": 1, "alpha": 1}.items()
    }
    nodes = [
        onnx.helper.make_node("Mul", ["image", "one"], ["glance"]),
        onnx.helper.make_node("ReduceMean", ["image", "axes"], ["focus"], keepdims=1),
        onnx.helper.make_node("Mul", ["focus", "focus"], ["alpha"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(np.ones((1, 3, 1, 1), np.float32), "one"),
        onnx.numpy_helper.from_array(np.array([1]), "axes"),
    ]
    graph = onnx.helper.make_graph(
        nodes, "hand", [values["image"]], [values[name] for name in outputs], constants
    )
    imports = [onnx.helper.make_opsetid("", 18)]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=10)
    if metadata:
        model.metadata_props.add(key=CONFIG_KEY, value=GFMConfig().to_json())
    return model


@pytest.fixture(params=KINDS)
def hand_file(request, tmp_path):
    needs(request.param)
    path = tmp_path / KINDS[request.param]
    exporting._WRITERS[request.param](hand_made(), path, False)
    return path


class TestRunner:
    def test_what_the_graph_says_comes_out(self, hand_file):
        model = gfm.load_model(hand_file, "auto")
        assert model.config == GFMConfig() and model.training is False
        assert str(model.device) == "cpu" and model.describe().startswith("cpu, ")
        for size in ((1, 1, 1), (2, 5, 7), (1, 33, 3)):
            image = random_image(*size[1:], batch=size[0]).numpy()
            mean = image.mean(axis=1, keepdims=True)
            glance, focus, alpha = model.run({"image": image.astype(np.float64)}, FIELDS)
            np.testing.assert_allclose(glance, image)
            np.testing.assert_allclose(focus, mean, rtol=1e-6)
            np.testing.assert_allclose(alpha, mean**2, rtol=1e-6)
            np.testing.assert_allclose(model.run({"image": image}, ("focus",))[0], mean, rtol=1e-6)

    def test_threads_get_their_own_answers(self, hand_file):
        model = load_exported(hand_file)
        images = [random_image(16 + n, 40 - n, seed=n).numpy() for n in range(12)]
        with ThreadPoolExecutor(4) as pool:
            made = pool.map(lambda image: model.run({"image": image}, ("focus",))[0], images)
            for image, focus in zip(images, made, strict=True):
                np.testing.assert_allclose(focus, image.mean(axis=1, keepdims=True), rtol=1e-5)

    def test_gpu_is_refused_rather_than_left_unused(self, hand_file):
        message = "runs on the processor" if hand_file.suffix == ".xml" else "choose one of these"
        with pytest.raises(InputError, match=rf"device='cuda': .*{message}"):
            gfm.load_model(hand_file, "cuda")

    def test_output_that_is_not_there_is_named(self, tmp_path):
        onnx.save(hand_made(outputs=("glance", "focus")), tmp_path / "m.onnx")
        message = r"m\.onnx: .*output alpha"
        with pytest.raises(InputError, match=message):
            gfm.matte(draw_photograph(0), load_exported(tmp_path / "m.onnx"), strategy="full")

    def test_file_that_does_not_state_its_memory_knows_no_limit(self, hand_file):
        with pytest.raises(InputError, match="max_memory="):
            gfm.matte(draw_photograph(0), load_exported(hand_file), max_memory="4GB")

    def test_every_ending_that_is_loaded_has_a_runtime(self):
        assert set(RUNTIMES) == set(exporting.SUFFIXES.values())

    def test_only_what_an_output_needs_is_left(self):
        file = OnnxFile(hand_made().SerializeToString())
        assert (file.inputs, file.outputs) == (("image",), FIELDS)
        assert file.metadata == {CONFIG_KEY: GFMConfig().to_json()}
        part = onnx.load_from_string(file.part(("glance",)))
        assert [node.output[0] for node in part.graph.node] == ["glance"]
        assert [tensor.name for tensor in part.graph.initializer] == ["one"]
        assert [output.name for output in part.graph.output] == ["glance"]
        onnx.checker.check_model(part)
        whole = onnx.load_from_string(file.part(FIELDS))
        assert whole == hand_made()

    @settings(deadline=None)
    @given(st.binary(max_size=64))
    def test_other_bytes_are_refused_and_nothing_else_happens(self, data):
        with contextlib.suppress(ValueError):
            OnnxFile(data).part(("alpha",))


class TestFilesThatAreRefused:
    @pytest.mark.parametrize(
        ("graph", "message"),
        [
            (lambda: hand_made(metadata=False), "no config"),
        ],
        ids=["no configuration"],
    )
    def test_graph_of_another_kind(self, graph, message, tmp_path):
        onnx.save(graph(), tmp_path / "m.onnx")
        with pytest.raises(InputError, match=message):
            load_exported(tmp_path / "m.onnx")

    @pytest.mark.parametrize("content", [b"", b"text", b"\x00" * 64], ids=["empty", "text", "zero"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_no_graph_at_all(self, kind, content, tmp_path):
        needs(kind)
        path = tmp_path / KINDS[kind]
        path.write_bytes(content)
        path.with_suffix(".bin").write_bytes(content)
        with pytest.raises(InputError, match=rf"{path.name}: .*gfm export"):
            load_exported(path)

    def test_no_such_file_no_weights_no_ending(self, tmp_path):
        with pytest.raises(InputError, match=r"m\.onnx: "):
            gfm.load_model(tmp_path / "m.onnx")
        (tmp_path / "m.pth").touch()
        with pytest.raises(InputError, match=r"m\.pth: .*\.onnx or \.xml"):
            load_exported(tmp_path / "m.pth")
        needs("openvino")
        (tmp_path / "m.xml").write_text("<net/>")
        with pytest.raises(InputError, match=r"m\.bin"):
            load_exported(tmp_path / "m.xml")

    @pytest.mark.parametrize(
        ("package", "extra"), [("onnxruntime", r"\."), ("onnx", r"'\.\[train\]'")]
    )
    def test_missing_package_is_named_with_its_remedy(self, package, extra, tmp_path, monkeypatch):
        onnx.save(hand_made(), tmp_path / "m.onnx")
        monkeypatch.setitem(sys.modules, package, None)
        message = rf"{package} .*pip install -e {extra} in"
        with pytest.raises(InputError, match=message):
            export(shared(), tmp_path / "other.onnx")
        if package == "onnx":  # which reading does without
            gfm.load_model(tmp_path / "m.onnx")
            return
        with pytest.raises(InputError, match=message):
            gfm.load_model(tmp_path / "m.onnx")


class Altered:
    """A network whose answers are changed, as a wrong export would."""

    def __init__(self, network, change):
        self.network, self.change = network, change

    def run(self, inputs, outputs):
        with torch.no_grad():
            said = self.change(self.network(torch.from_numpy(inputs["image"])))
        made = {"alpha": said.alpha}
        for rosta, part in parts_of(said).items():
            made |= {part_name(field, rosta or None): getattr(part, field) for field in FIELDS}
        return [made[name].numpy() for name in outputs]


def shifted(said, field, by):
    return said._replace(**{field: getattr(said, field) + by})


class TestCheck:
    def test_network_equals_itself(self):
        for rosta in ("TT", "RIM"):
            network = shared("timm:test_resnet", rosta)
            assert check_export(graph(network), Altered(network, lambda said: said), "m").value == 0

    @pytest.mark.parametrize("field", ["glance", "focus", "alpha"])
    def test_difference_is_refused_with_its_size_and_place(self, field):
        def change(said):
            if said.alpha.shape[-1] == 320:  # wide, and nowhere else
                getattr(said, field)[0, 0, 7, 300] += 0.5
            return said

        message = rf"m: .*PyTorch by \S+ in {field} of 40x320 at row 7, column 300"
        with pytest.raises(FailedInputs, match=message):
            check_export(graph(shared()), Altered(shared(), change), "m")

    @pytest.mark.parametrize("by", [2 * LIMIT, torch.nan], ids=["too much", "no number"])
    def test_small_shift_and_nan_are_refused(self, by):
        with pytest.raises(FailedInputs, match=" in focus of"):
            check_export(
                graph(shared()), Altered(shared(), lambda said: shifted(said, "focus", by)), "m"
            )

    def test_rounding_is_held_to_the_mean(self):
        found = Altered(shared(), lambda said: shifted(said, "focus", 2 * LIMIT))
        assert check_export(graph(shared()), found, "m", rounded=True).value == pytest.approx(
            2 * LIMIT, rel=1e-3
        )
        with pytest.raises(FailedInputs, match="on the mean"):
            found = Altered(shared(), lambda said: shifted(said, "focus", 0.1))
            check_export(graph(shared()), found, "m", rounded=True)

    def test_parts_of_rim_and_their_integration_are_compared(self):
        network = shared("timm:test_resnet", "RIM")
        for change, place in (
            (lambda said: shifted(said, "alpha", 0.1), "alpha of"),
            (lambda said: said._replace(bt=shifted(said.bt, "focus", 0.1)), "bt_focus of"),
        ):
            with pytest.raises(FailedInputs, match=f" in {place}"):
                check_export(graph(network), Altered(network, change), "m")

    def test_size_that_cannot_be_run_is_refused(self):
        def change(said):
            if said.alpha.shape[-1] == 7:
                raise RuntimeError("Gather: index\nout of range")
            return said

        message = r"m: .*1x3x5x7: RuntimeError: Gather: index out of range"
        with pytest.raises(FailedInputs, match=message):
            check_export(graph(shared()), Altered(shared(), change), "m")

    def test_wrong_shape_is_refused(self):
        cut = Altered(shared(), lambda said: Matting(*(field[..., 1:] for field in said)))
        with pytest.raises(FailedInputs, match=r"\(2, 3, 31, 96\) .*\(2, 3, 31, 97"):
            check_export(graph(shared()), cut, "m")

    def test_either_class_of_a_tie_is_right(self):
        # Pixels: background and transition tied; the same, but 0.01 apart; foreground alone.
        glance = torch.tensor([[0.45, 0.451, 0.0], [0.45, 0.441, 0.0], [0.1, 0.108, 1.0]])
        wanted = Matting(
            glance.view(1, 3, 1, 3),
            torch.full((1, 1, 1, 3), 0.6),
            torch.tensor([0.0, 0.0, 1.0]).view(1, 1, 1, 3),
            glance.view(1, 3, 1, 3).log(),
        )
        alpha = torch.tensor([0.6, 0.6, 0.6]).view(1, 1, 1, 3)
        distance = matte_distance(alpha, *wanted[:3], "TT").flatten()
        torch.testing.assert_close(distance, torch.tensor([0.0, 0.6, 0.4]))
        foreground = matte_distance(torch.ones(1, 1, 1, 3), *wanted[:3], "TT").flatten()
        torch.testing.assert_close(foreground, torch.tensor([0.4, 1.0, 0.0]))

    def test_pictures_have_the_five_sizes(self):
        assert [tuple(picture(size).shape) for size in SIZES] == [
            (batch, 3, height, width) for batch, height, width in SIZES
        ]


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
