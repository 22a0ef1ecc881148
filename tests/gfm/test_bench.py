"""`gfm bench`: methods beside one another, in tables, JSON and a page."""

from __future__ import annotations

import json
import os
import re
from multiprocessing import get_context
from pathlib import Path

import dying
import numpy as np
import pytest
from benches import write_cases, write_mattes, write_remover
from tiny import draw_matte, draw_photograph, shared, write_photographs

from gfm.__main__ import main
from gfm.bench import child
from gfm.bench.cases import find_cases
from gfm.bench.child import Outcome, Ready, run_method
from gfm.bench.errors import errors_of
from gfm.bench.methods import Method, parse_methods
from gfm.bench.removers import load
from gfm.bench.report import Row
from gfm.checkpoints.files import save_model
from gfm.models.contract import Licence
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_cases(tmp_path / "photographs")


def bench(folder: Path, out: Path, *methods: object, code: int = 0) -> dict:
    arguments = ["bench", str(folder), "--out", str(out), "--quiet"]
    assert main([*arguments, *(("--methods", *map(str, methods)) if methods else ())]) == code
    return json.loads((out / "bench.json").read_text()) if code != 2 else {}


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
