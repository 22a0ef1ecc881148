"""Methods of `gfm bench` as they are named, and descriptions of other removers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from benches import write_remover

from gfm.bench.description import Remover, read_description
from gfm.bench.methods import parse_methods
from rssn.imaging.errors import InputError


class TestSpelling:
    def test_of_methods(self, tmp_path):
        folder, yaml = tmp_path / "others", write_remover(tmp_path / "r")
        folder.mkdir()
        texts = ["lite", "raw=lite,refine=none", "a/b.safetensors", "grabcut", "knn", "rembg:isnet"]
        found = parse_methods([*texts, str(folder), f"red one={yaml}", "lite,refine=fusion"])
        assert [(m.name, m.kind, m.target, m.refine) for m in found] == [
            ("lite", "model", "lite", "auto"),
            ("raw", "model", "lite", "none"),
            ("b", "model", "a/b.safetensors", "auto"),
            ("grabcut", "grabcut", "grabcut", "auto"),
            ("knn", "knn", "knn", "auto"),
            ("rembg:isnet", "rembg", "isnet", "auto"),
            ("others", "folder", str(folder), "auto"),
            ("red one", "onnx", str(yaml), "auto"),
            ("lite, refine=fusion", "model", "lite", "fusion"),
        ]

    @pytest.mark.parametrize(
        ("texts", "told"),
        [
            (["lite", "LITE=grabcut"], "LITE"),
            (["grabcut,refine=none"], "refine"),
            (["a=b=c,d"], r"give \[NAME=\]WHAT"),
            (["..=lite"], r"\.\."),
            (["missing.yaml"], r"missing\.yaml: "),
        ],
    )
    def test_that_is_refused(self, texts, told):
        with pytest.raises(InputError, match=told):
            parse_methods(texts)


class TestDescription:
    def test_input_is_resized_normalised_and_read_as_alpha(self, tmp_path):
        remover = Remover(read_description(write_remover(tmp_path / "r")))
        image = np.zeros((32, 48, 3), np.uint8)
        image[..., 0] = 110
        np.testing.assert_allclose(remover(image), (110 - 10) / 20 * 0.05, rtol=1e-5)
        assert remover(image).shape == (32, 48) and remover(image).dtype == np.float32

    def test_logits_and_stretched_values(self, tmp_path):
        how = read_description(write_remover(tmp_path / "r", scale=1.0))
        image = np.zeros((16, 16, 3), np.uint8)
        image[:, 8:, 0] = 50
        logits = Remover(replace(how, values="logits"))(image)
        np.testing.assert_allclose(logits[:, -1], 1 / (1 + np.exp(-2)), rtol=1e-5)
        stretched = Remover(replace(how, values="stretch"))(image)
        assert stretched[0, 0] == 0 and stretched[0, -1] == 1
        with pytest.raises(InputError, match=r"-0\.5 to 2, .*values: logits"):
            Remover(how)(image)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ("size: 32", "1x3x16x16, .*1x3x32x32"),
            ("output: alpha", "output alpha; .*matte"),
        ],
    )
    def test_that_does_not_fit_its_model(self, tmp_path, change, told):
        path = write_remover(tmp_path / "r")
        lines = [each for each in path.read_text().splitlines() if each[:4] != change[:4]]
        path.write_text("\n".join([*lines, change]))
        with pytest.raises(InputError, match=told):
            Remover(read_description(path))

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("size: 16", "at least model"),
            ("model: red.onnx\nsize: x", r"size: x; .*\[height, width\]"),
            ("model: red.onnx\nsize: 16\nmeans: 3", "means .*model, size"),
            ("model: red.onnx\nsize: 16\nscale: 0", "scale: .*0"),
            ("model: red.onnx\nsize: 16\nmean: [1, 2]", "give one number, or three"),
            ("model: red.onnx\nsize: 16\nvalues: x", "values='x' .*'alpha'"),
            ("model: blue.onnx\nsize: 16", "blue.onnx"),
        ],
    )
    def test_that_is_wrong(self, tmp_path, text, told):
        path = write_remover(tmp_path / "r")
        path.write_text(text)
        with pytest.raises(InputError, match=told):
            read_description(path)

    def test_file_that_is_no_model(self, tmp_path):
        path = write_remover(tmp_path / "r")
        (tmp_path / "r" / "red.onnx").write_bytes(b"no model")
        with pytest.raises(InputError, match=r"red\.onnx: "):
            Remover(read_description(path))
