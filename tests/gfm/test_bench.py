"""`gfm bench`: methods beside one another, in tables, JSON and a page."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import dying
import numpy as np
import pytest
from tiny import draw_matte, draw_photograph, shared, write_photographs

from gfm.__main__ import main
from gfm.bench import child
from gfm.bench.cases import Pixels, find_cases
from gfm.bench.child import Outcome, Ready, run_method
from gfm.bench.description import Remover, read_description
from gfm.bench.duplicates import Seen, find_seen, hash_of
from gfm.bench.errors import errors_of, hair_band, measure
from gfm.bench.intervals import difference, mean_of
from gfm.bench.methods import Method, parse_methods
from gfm.bench.removers import load
from gfm.bench.report import Report, Row
from gfm.checkpoints.files import save_model
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba, write_trimap

onnx = pytest.importorskip("onnx")


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three photographs with mattes; the first has a trimap."""
    root = write_photographs(tmp_path / "photographs", 3)
    (root / "trimap").mkdir()
    alpha = draw_matte()
    regions = np.where(alpha == 1, 2, np.where(alpha > 0, 1, 0)).astype(np.uint8)
    write_trimap(root / "trimap" / "p0.png", regions)
    return root


def write_mattes(folder: Path, names: str, error: float) -> Path:
    """Mattes that are wrong by `error` where the true one is below one half."""
    folder.mkdir()
    alpha = draw_matte()
    for name in names.split():
        write_alpha(folder / f"{name}.png", np.where(alpha < 0.5, alpha + error, alpha))
    return folder


def write_remover(folder: Path, side: int | str = 16, scale: float = 0.05) -> Path:
    """An ONNX file whose matte is a multiple of the red channel, and its description."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    constant = helper.make_tensor("k", kind, [3, 1, 1], [scale, 0, 0])
    nodes = [
        helper.make_node("Mul", ["image", "k"], ["scaled"]),
        helper.make_node("ReduceSum", ["scaled", "axes"], ["matte"], keepdims=1),
    ]
    axes = helper.make_tensor("axes", onnx.TensorProto.INT64, [1], [1])
    graph = helper.make_graph(
        nodes,
        "remover",
        [helper.make_tensor_value_info("image", kind, [1, 3, side, side])],
        [helper.make_tensor_value_info("matte", kind, [1, 1, side, side])],
        [constant, axes],
    )
    opset = [helper.make_opsetid("", 17)]
    folder.mkdir(exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), folder / "red.onnx")
    path = folder / "red.yaml"
    path.write_text("model: red.onnx\nsize: 16\nmean: 10\nscale: [20, 1, 1]\nlicence: MIT\n")
    return path


def bench(folder: Path, out: Path, *methods: object, code: int = 0) -> dict:
    arguments = ["bench", str(folder), "--out", str(out), "--quiet"]
    assert main([*arguments, *(("--methods", *map(str, methods)) if methods else ())]) == code
    return json.loads((out / "bench.json").read_text()) if code != 2 else {}


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


class TestErrors:
    def test_of_one_matte_by_hand(self, folder):
        pixels = find_cases(folder)[0][0].read()
        found = measure(pixels, np.where(pixels.alpha < 0.5, pixels.alpha + 0.25, pixels.alpha))
        share = (pixels.alpha < 0.5).mean()
        assert found["mad"] == pytest.approx(0.25 * share, rel=1e-4)
        assert found["sad_fg"] == 0 < found["sad_bg"]
        unknown = (pixels.alpha > 0) & (pixels.alpha < 0.5)
        levels = np.rint((pixels.alpha + 0.25)[unknown] * 255) - np.rint(
            pixels.alpha[unknown] * 255
        )
        assert found["unknown_sad"] == pytest.approx(levels.sum() / 255 / 1000)
        assert "sad_alpha_f" not in found

    def test_of_colours(self):
        alpha = draw_matte()
        image = draw_photograph(0)
        pixels = Pixels(image, alpha, None, np.full_like(image, 100))
        found = measure(pixels, alpha, np.full_like(image, 151))
        assert found["sad_alpha_f"] == pytest.approx(3 * 0.2 * float(alpha.sum()) / 1000, rel=1e-4)

    def test_hair_band_is_about_strands(self):
        alpha = np.zeros((400, 400), np.float32)
        alpha[150:350, 100:300] = 1
        alpha[50:150, 120:280:8] = 1  # strands of one pixel
        band = hair_band(alpha)
        assert band[60:140, 120:280:8].all()
        assert band[60:140, 124:272:8].sum() == 0  # half-way between two
        assert not band[200:].any()
        assert not hair_band(draw_matte(400, 400, radius=120, rim=2)).any()


class TestIntervals:
    def test_of_equal_values_are_points(self):
        assert mean_of([0.5] * 4) == (0.5, 0.5, 0.5, 4)
        assert mean_of([]) is None

    def test_pairs_are_compared(self):
        ours, theirs = {"a": 1.0, "b": 9.0, "c": 3.0}, {"a": 2.0, "b": 10.0, "d": 5.0}
        assert difference(ours, theirs) == (-1.0, -1.0, -1.0, 2)

    def test_interval_covers_the_mean_of_normal_values(self):
        rng = np.random.default_rng(1)
        found = [mean_of(rng.normal(0, 1, 25).tolist()) for _ in range(200)]
        assert 0.87 < np.mean([each.low <= 0 <= each.high for each in found]) < 0.99


def noise(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return cv2.resize(coarse, (128, 96), interpolation=cv2.INTER_CUBIC)


def test_photographs_that_were_trained_on_are_named():
    images = {"a": noise(0), "b": noise(1), "c": np.ascontiguousarray(noise(2)[:, ::-1])}
    hashes = {name: hash_of(image) for name, image in images.items()}
    hashes["flat"] = hash_of(np.full((40, 40, 3), 9, np.uint8))
    trained = {"cats": np.array([hash_of(noise(0)).straight], np.uint64)}
    trained["toys"] = np.array([hash_of(noise(n)).straight for n in (2, 5)], np.uint64)
    assert find_seen(hashes, trained) == [Seen("a", "cats", 0, False), Seen("c", "toys", 0, True)]
    assert find_seen(hashes, {}) == []


@pytest.mark.integration
def test_crash_costs_one_photograph(folder, tmp_path, monkeypatch):
    context = get_context("spawn")

    class Spawn:
        Pipe = context.Pipe

        def Process(self, target, args):
            return context.Process(target=dying.work, args=args)

    monkeypatch.setattr(child, "get_context", lambda how: Spawn())
    cases, _ = find_cases(write_photographs(tmp_path / "four", 4))
    counted: list[int] = []
    found = run_method(
        Method("x", "grabcut"), cases, tmp_path / "out", "cpu", lambda: counted.append(1)
    )
    assert sorted(found.seconds) == ["p0", "p3"] and len(counted) == 4
    assert found.failures == {
        "p1": "its process ended with SIGKILL, perhaps for want of memory",
        "p2": "ValueError: two lines",
    }
    assert found.peak > 20e6


@pytest.mark.integration
def test_command_compares_and_repeats(folder, tmp_path, capsys):
    good = write_mattes(tmp_path / "good", "p0 p1 p2", 0.01)
    bad = write_mattes(tmp_path / "bad", "p0 p2", 0.2)
    out = tmp_path / "out"
    given = (good, bad, f"red={write_remover(tmp_path / 'r')}", "closed_form")
    found = bench(folder, out, *given, code=1)
    told = capsys.readouterr()
    assert f"failed: bad: p1: {bad}: " in told.err
    rows = {row["name"]: row for row in found["methods"]}
    means = {name: row["means"]["mad"]["value"] for name, row in rows.items()}
    assert means["good"] == pytest.approx(0.01 * (draw_matte() < 0.5).mean(), rel=0.3)
    assert means["good"] < means["bad"] and rows["bad"]["means"]["mad"]["n"] == 2
    against = rows["bad"]["against_first"]["mad"]
    assert 0 < against["low"] <= against["value"] <= against["high"] and against["n"] == 2
    assert [image["name"] for image in rows["closed_form"]["images"]] == ["p0"]
    assert rows["closed_form"]["means"]["unknown_sad"]["n"] == 1
    assert [rows[name]["licences"] for name in ("good", "red", "closed_form")] == [
        "not recorded",
        "MIT",
        "no weights",
    ]
    assert rows["good"]["seconds"] is None and rows["red"]["megabytes"] > 20
    assert "3 photographs, convention gfm" in told.out and "1 trimaps, convention dim" in told.out
    page = (out / "bench.html").read_text()
    assert page.count("<section") == 3 and page.count("<img") == 3 * 2 + 3 + 2 + 3 + 1
    assert not re.search(r'(src|href)="(?!data:)', page)
    again = bench(folder, tmp_path / "again", *given[:-1], code=1)
    for row in (row for each in (found, again) for row in each["methods"]):
        del row["seconds"], row["megabytes"]
    assert again["methods"] == found["methods"][:-1]


def test_model_records_its_licences(folder, tmp_path):
    model = shared()
    model.licences = [Licence("dogs", "MIT", 0.25), Licence("cats", "CC BY 4.0", 0.75)]
    try:
        save_model(model, tmp_path / "m.safetensors")
    finally:
        model.licences = []
    save_model(model, tmp_path / "silent.safetensors")
    for name, wanted in (("m", "attribution 75%, permissive 25%"), ("silent", "not recorded")):
        (method,) = parse_methods([f"{tmp_path / name}.safetensors,refine=none"])
        loaded = load(method, "cpu")
        ready = Ready(False, loaded.licences, loaded.hashes)
        row = Row(method, Outcome(ready), {}, {}, [])
        assert row.licences == wanted and not row.needs_trimap
    pixels = find_cases(folder)[0][0].read()
    alpha, colours = loaded.matte("p0", pixels)
    assert alpha.shape == (48, 64) and colours is None


@pytest.mark.integration
def test_cutouts_are_put_on_backgrounds_and_colours_are_measured(tmp_path):
    cutouts, behind = tmp_path / "cutouts", tmp_path / "behind"
    cutouts.mkdir()
    behind.mkdir()
    write_rgba(cutouts / "a.png", draw_photograph(0), draw_matte())
    write_rgb(behind / "b.png", draw_photograph(9, 96, 64))
    with pytest.raises(InputError, match="--backgrounds"):
        find_cases(cutouts)
    (case,), _ = find_cases(cutouts, backgrounds=behind)
    pixels = case.read()
    clear = pixels.alpha == 0
    assert (pixels.image[clear] != pixels.colours[clear]).any()
    np.testing.assert_array_equal(
        pixels.image[pixels.alpha == 1], draw_photograph(0)[pixels.alpha == 1]
    )
    found = run_method(Method("grabcut", "grabcut"), [case], tmp_path / "out")
    assert found.failures == {} and list(found.seconds) == ["a"]
    assert errors_of(case, tmp_path / "out" / "a.png")["sad_alpha_f"] > 0


class TestBadInput:
    def test_folder_without_mattes(self, tmp_path, capsys):
        (tmp_path / "d" / "original").mkdir(parents=True)
        write_rgb(tmp_path / "d" / "original" / "a.png", draw_photograph(0))
        bench(tmp_path / "d", tmp_path / "out", "grabcut", code=2)
        assert "mask: " in capsys.readouterr().err

    @pytest.mark.integration
    def test_method_that_is_not_there_leaves_the_others(self, folder, tmp_path, capsys):
        good = write_mattes(tmp_path / "good", "p0 p1 p2", 0.01)
        found = bench(folder, tmp_path / "out", good, "gone=no/such.safetensors", code=1)
        assert "failed: gone: no/such.safetensors: " in capsys.readouterr().err
        assert found["methods"][1]["unusable"].startswith("no/such.safetensors")
        assert found["methods"][1]["means"] == {}

    @pytest.mark.integration
    def test_no_method_that_works(self, folder, tmp_path, capsys):
        bench(folder, tmp_path / "out", "gone=no/such.safetensors", code=2)
        told = capsys.readouterr().err
        assert "; gone: no/such.safetensors: " in told
        assert "What failed" in (tmp_path / "out" / "bench.html").read_text()

    @pytest.mark.integration
    def test_method_that_needs_trimaps_without_any(self, tmp_path, capsys):
        folder = write_photographs(tmp_path / "photographs", 1)
        good = write_mattes(tmp_path / "good", "p0", 0.01)
        bench(folder, tmp_path / "out", good, "knn", code=1)
        assert "failed: knn: needs trimaps" in capsys.readouterr().err

    def test_rembg_that_is_not_installed(self, monkeypatch):
        monkeypatch.setattr("shutil.which", lambda name: None)
        with pytest.raises(InputError, match=r"pip install 'rembg\[cpu,cli\]"):
            load(Method("rembg", "rembg"))

    def test_rembg_that_fails_or_works(self, folder, tmp_path, monkeypatch):
        program = tmp_path / "bin" / "rembg"
        program.parent.mkdir()
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        pixels = find_cases(folder)[0][0].read()
        write_alpha(tmp_path / "truth.png", pixels.alpha)
        program.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/said\ncp {tmp_path}/truth.png "$6"\n'
        )
        program.chmod(0o755)
        alpha, _ = load(Method("rembg", "rembg", "isnet")).matte("p0", pixels)
        np.testing.assert_allclose(alpha, pixels.alpha, atol=1e-6)
        assert (tmp_path / "said").read_text().startswith("i -om -m isnet")
        program.write_text("#!/bin/sh\necho no network >&2\nexit 3\n")
        with pytest.raises(InputError, match=r"p0 \(exit 3\): no network"):
            load(Method("rembg", "rembg")).matte("p0", pixels)


def test_worst_photographs_lead_and_unmatted_ones_before_them():
    method = Method("a", "folder")
    errors = {name: {"mad": value} for name, value in (("x", 0.1), ("y", 0.3), ("z", 0.2))}
    row = Row(method, Outcome(), errors, {"w": "gone"}, [])
    assert Report("d", list("wxyz"), [], [row]).worst_first() == ["w", "y", "z", "x"]
