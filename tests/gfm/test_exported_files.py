"""Exported models as they are run, and files that are none."""

from __future__ import annotations

import contextlib
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from exports import KINDS, hand_made, needs
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import draw_photograph, random_image, shared

import gfm
from gfm.checkpoints.metadata import CONFIG_KEY
from gfm.export import exporting
from gfm.export.exporting import export
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.exported import FIELDS
from gfm.runtimes.model import RUNTIMES, load_exported
from gfm.runtimes.onnx_file import OnnxFile
from rssn.imaging.errors import InputError


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
