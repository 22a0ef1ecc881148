"""The evaluation of folders: pairing, the report, and what happens to bad files."""

from __future__ import annotations

import argparse
import json
import os
import re
from functools import partial

import cv2
import numpy as np
import pytest

from gfm.evaluation.evaluate import Report, add_arguments, evaluate_folders, run, run_jobs
from gfm.evaluation.published_trimaps import PUBLISHED
from gfm.metrics import evaluate
from rssn.imaging.console import DONE, SOME_FAILED, USAGE, run_command
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb


def mattes(seed, size=(24, 32)):
    """A prediction and a matte of 8-bit levels, and the trimap of the matte as a matte."""
    rng = np.random.default_rng(seed)
    columns = np.linspace(-1, 2, size[1]).clip(0, 1)
    alpha = np.rint(np.tile(columns, (size[0], 1)) * 255) / 255
    noise = rng.integers(-40, 41, size) * (alpha > 0) * (alpha < 1)
    pred = np.clip(np.rint(alpha * 255) + noise, 0, 255) / 255
    levels = np.where(alpha == 0, 0, np.where(alpha == 1, 255, 128)) / 255
    return {"pred": pred, "alpha": alpha, "trimap": levels}


@pytest.fixture
def folders(tmp_path):
    paths = {what: tmp_path / what for what in ("pred", "alpha", "trimap")}
    for path in paths.values():
        path.mkdir()
    for name in ("a", "b", "c"):
        for what, matte in mattes(ord(name)).items():
            write_alpha(paths[what] / f"{name}.png", matte)
    return paths


def expected(name, convention):
    pred, alpha, trimap = mattes(ord(name)).values()
    return evaluate(pred, alpha, np.rint(trimap * 2).astype(int), convention)


def call(folders, out, *options):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = [word for name, path in folders.items() for word in (f"--{name}", str(path))]
    given = parser.parse_args([*words, "--json", str(out), "--quiet", "--workers", "1", *options])
    return run_command(lambda: run(given))


@pytest.mark.parametrize("convention", ["gfm", "dim"])
def test_rows_and_means(folders, convention):
    report = evaluate_folders(**folders, convention=convention, workers=1, quiet=True)
    rows = {name: expected(name, convention) for name in ("a", "b", "c")}
    assert report.images == rows
    assert not report.failures
    assert report.means == pytest.approx(
        {key: np.mean([row[key] for row in rows.values()]) for key in rows["a"]}
    )


def test_without_trimaps_there_are_no_regions(folders):
    report = evaluate_folders(folders["pred"], folders["alpha"], workers=1, quiet=True)
    assert set(report.means) == {"sad", "mse", "mad", "grad", "conn"}


@pytest.mark.parametrize("convention", ["gfm", "dim"])
def test_auto_trimap_is_that_of_the_true_matte(folders, convention):
    named = folders | {"trimap": "auto"}
    report = evaluate_folders(**named, convention=convention, workers=1, quiet=True)
    for name, row in report.images.items():
        pred, alpha, _ = mattes(ord(name)).values()
        alpha = alpha.astype(np.float32)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
        inside = cv2.erode((alpha == 1).astype(np.uint8), disc)
        regions = inside + cv2.dilate((alpha > 0).astype(np.uint8), disc)
        assert row == evaluate(pred.astype(np.float32), alpha, regions, convention)
        assert "sad_transition" in row


def test_adapted_trimaps_are_compared_with_the_optimal_ones(folders, tmp_path, capsys):
    perfect = evaluate_folders(**folders, adapted=folders["trimap"], workers=1, quiet=True)
    assert perfect.means["accuracy"] == perfect.means["miou"] == 1
    levels = mattes(ord("b"))["trimap"]
    levels[:, : levels.shape[1] // 2] = 1
    write_alpha(folders["trimap"] / "b.png", levels)
    adapted = ("--adapted", str(folders.pop("trimap")))
    call(folders, tmp_path / "report.json", *adapted)
    rows = {
        row["name"]: row for row in json.loads((tmp_path / "report.json").read_text())["images"]
    }
    right = np.mean(levels == mattes(ord("b"))["trimap"])
    assert rows["b"]["accuracy"] == pytest.approx(right)
    assert rows["a"]["accuracy"] == 1
    assert re.search(r"accuracy .* b ", capsys.readouterr().out)


def test_regions_of_a_disc_that_grew(tmp_path):
    # A disc of radius 40 px, predicted with 80: the trimap's band reaches 12 px beyond each side.
    y, x = np.mgrid[:200, :200]
    distance = np.hypot(y - 100, x - 100)
    for what, radius in (("alpha", 40), ("pred", 80)):
        (tmp_path / what).mkdir()
        write_alpha(tmp_path / what / "disc.png", (distance <= radius).astype(np.float32))
    folders = {what: tmp_path / what for what in ("pred", "alpha")}
    out = tmp_path / "report.json"
    assert call(folders, out, "--trimap", "auto") == DONE
    means = json.loads(out.read_text())["means"]
    assert means["sad"] == pytest.approx(np.pi * (80**2 - 40**2) / 1000, rel=0.01)
    assert means["sad_transition"] == pytest.approx(np.pi * (52**2 - 40**2) / 1000, rel=0.03)
    assert means["sad_bg"] == pytest.approx(np.pi * (80**2 - 52**2) / 1000, rel=0.03)
    assert means["sad_fg"] == 0


def test_folder_that_is_called_auto_is_given_by_its_path(folders, tmp_path, monkeypatch):
    folders["trimap"].rename(tmp_path / "auto")
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "report.json"
    assert call(folders | {"trimap": "./auto"}, out) == DONE
    assert json.loads(out.read_text())["images"][0] == {"name": "a", **expected("a", "gfm")}


def test_command_writes_the_report_and_shows_the_means(folders, tmp_path, capsys):
    out = tmp_path / "new" / "report.json"
    assert call(folders, out, "--convention", "dim") == DONE
    report = json.loads(out.read_text())
    assert (report["convention"], report["count"], report["failures"]) == ("dim", 3, [])
    assert [row.pop("name") for row in report["images"]] == ["a", "b", "c"]
    assert report["images"][1] == expected("b", "dim")
    shown = capsys.readouterr()
    assert "convention dim" in shown.out
    assert f"{report['means']['sad']:.6g}" in shown.out
    assert shown.err == ""
    assert [path.name for path in out.parent.iterdir()] == ["report.json"]  # no part left


def test_the_number_of_processes_changes_nothing(folders, tmp_path):
    write_alpha(folders["pred"] / "b.png", np.zeros((3, 3)))
    outs = [tmp_path / "one.json", tmp_path / "two.json"]
    for out, workers in zip(outs, "12", strict=True):
        assert call(folders, out, "--workers", workers) == SOME_FAILED
    assert outs[0].read_bytes() == outs[1].read_bytes()


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda f: (f["pred"] / "b.png").unlink(), "b: no prediction in"),
        (lambda f: (f["alpha"] / "b.png").unlink(), "b: no true matte in"),
        (lambda f: (f["trimap"] / "b.png").unlink(), "b: no trimap in"),
        (
            lambda f: write_alpha(f["pred"] / "b.tif.png", np.zeros((3, 3))),
            "b.tif: no true matte in",
        ),
        (lambda f: (f["pred"] / "b.jpg").write_bytes(b"x"), "b: prediction twice in"),
        (lambda f: (f["pred"] / "b.png").write_bytes(b""), "is empty"),
        (lambda f: (f["alpha"] / "b.png").write_bytes(b"no image"), "is not an image"),
        (
            lambda f: write_alpha(f["pred"] / "b.png", np.zeros((5, 7))),
            "b: pred is 7x5 and alpha 32x24 pixels",
        ),
        (lambda f: write_alpha(f["trimap"] / "b.png", np.zeros((5, 7))), "b: trimap has shape"),
        (
            lambda f: write_alpha(f["trimap"] / "b.png", np.full((24, 32), 100 / 255)),
            "a trimap with level 100",
        ),
    ],
)
def test_a_bad_image_is_named_and_the_rest_is_done(folders, tmp_path, capsys, spoil, line):
    spoil(folders)
    out = tmp_path / "report.json"
    assert call(folders, out) == SOME_FAILED
    report = json.loads(out.read_text())
    (failure,) = report["failures"]
    assert failure.startswith("b") and line in failure
    assert f"failed: {failure}" in capsys.readouterr().err
    names = {row["name"] for row in report["images"]}
    assert {"a", "c"} <= names
    assert report["count"] == len(names)


def test_nothing_in_common_gives_a_report_of_failures(folders, tmp_path):
    for name in "abc":
        (folders["pred"] / f"{name}.png").rename(folders["pred"] / f"{name}2.png")
    out = tmp_path / "report.json"
    assert call(folders, out) == SOME_FAILED
    report = json.loads(out.read_text())
    assert (report["count"], report["means"], len(report["failures"])) == (0, {}, 6)


@pytest.mark.integration
def test_a_process_that_dies_fails_its_image():
    (result,) = run_jobs([partial(os._exit, 1)], workers=2)
    assert isinstance(result, str) and "process died" in result


def test_brackets_in_a_name_are_shown():
    table = Report("gfm", {"[bold]x": {"sad": 1.0}}, ()).table()
    (name,) = table.columns[-1].cells
    assert str(name) == "[bold]x"


@pytest.mark.parametrize("where", ["missing", "empty"])
def test_a_folder_without_images_is_a_usage_error(folders, tmp_path, where):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "report.json"
    assert call(folders | {"pred": tmp_path / where}, out) == USAGE
    assert not out.exists()


def test_a_report_that_cannot_be_written_is_a_usage_error(folders, tmp_path):
    assert call(folders, tmp_path) == USAGE
    assert call(folders, folders["pred"] / "a.png" / "report.json") == USAGE
    with pytest.raises(InputError, match=r"report\.json: "):
        Report("gfm", {}, ()).write(tmp_path / "none" / "report.json")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"workers": 0}, "workers=0"), ({"convention": "sad"}, "choose 'gfm', 'dim' or 'lsa'")],
)
def test_bad_options_name_the_remedy(folders, options, message):
    with pytest.raises(InputError, match=message):
        evaluate_folders(**folders, **options, quiet=True)


@pytest.fixture
def coloured(folders, tmp_path):
    """Predicted and true foregrounds; that of c is shared by its composites."""
    for path in folders.values():
        (path / "c.png").rename(path / "c_0.png")
    paths = {"foreground": tmp_path / "fg", "true-foreground": tmp_path / "true"}
    for path, names, level in zip(
        paths.values(), (("a", "b", "c_0"), ("a", "b", "c")), (100, 151), strict=True
    ):
        path.mkdir()
        for name in names:
            write_rgb(path / f"{name}.png", np.full((24, 32, 3), level, np.uint8))
    return {**folders, **paths}


def test_errors_of_foregrounds_in_the_transition(coloured, tmp_path):
    assert call(coloured, tmp_path / "out.json", "--convention", "dim") == DONE
    rows = {row["name"]: row for row in json.loads((tmp_path / "out.json").read_text())["images"]}
    assert set(rows) == {"a", "b", "c_0"}
    pred, alpha, trimap = mattes(ord("c")).values()
    unknown = np.rint(trimap * 255) == 128
    composed = 3 * np.abs(pred * 100 / 255 - alpha * 151 / 255)[unknown].sum() / 1000
    assert rows["c_0"]["sad_alpha_f"] == pytest.approx(composed, rel=1e-6)
    assert rows["c_0"]["mse_f"] == pytest.approx(3 * 0.2**2)


def test_foregrounds_that_do_not_fit(coloured, tmp_path, capsys):
    (coloured["true-foreground"] / "a.png").unlink()
    write_rgb(coloured["foreground"] / "b.png", np.zeros((8, 8, 3), np.uint8))
    assert call(coloured, tmp_path / "out.json") == SOME_FAILED
    told = capsys.readouterr().err.splitlines()
    assert f"a: no true foreground in {coloured['true-foreground']}" in told[0]
    assert "b: pred has F of shape (8, 8, 3)" in told[1] and len(told) == 2
    coloured.pop("true-foreground")
    assert call(coloured, tmp_path / "out.json") == USAGE
    assert "give --foreground and --true-foreground" in capsys.readouterr().err


def test_published_rows_of_a_known_data_set(folders, tmp_path, capsys):
    record = {"layout": "composition-1k", "licence": "research"}
    (tmp_path / "prepared.json").write_text(json.dumps(record))
    for convention, row, other in (("dim", "FBA, alpha", "LSA, 640"), ("lsa", "LSA, 640", "FBA")):
        assert call(folders, tmp_path / "out.json", "--convention", convention) == DONE
        told = capsys.readouterr().out
        assert row in told and other not in told
        assert f"composition-1k, unknown region, convention {convention}" in told
    folders.pop("trimap")
    assert call(folders, tmp_path / "out.json", "--convention", "dim") == DONE
    assert "FBA" not in capsys.readouterr().out  # those are of the unknown region
    assert json.loads((tmp_path / "out.json").read_text())["data"] == "composition-1k"


def test_published_figures_have_the_units_of_the_metrics():
    for (_, convention), rows in PUBLISHED.items():
        for name, row in rows.items():
            end = "" if convention == "lsa" else "_transition"
            assert {f"sad{end}", f"mse{end}"} <= row.keys(), name
            assert all(value < 0.11 for key, value in row.items() if key.startswith("mse"))
            assert row[f"sad{end}"] > 1
