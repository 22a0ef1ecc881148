"""The report: baselines, verdict, page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from trimaps import write_trimap

from data_tools.scenes import draw_scene
from gfm.__main__ import main
from gfm.evaluation.baselines import best_constants, grabcut
from gfm.evaluation.comparison import BEFORE, CONSTANT, GRABCUT, MODEL, Comparison
from gfm.evaluation.report_page import Curve, chart, fit_page
from gfm.metrics import METRICS, Metric
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba


def test_best_constants_of_a_hand_made_matte() -> None:
    alpha = np.array([[0, 0, 0, 1]], np.float32)
    constants = best_constants(alpha)
    assert np.unique(constants["sad"]) == [0]
    assert np.unique(constants["mse"]) == [0.25]


def test_grabcut_finds_a_bright_disc_and_repeats() -> None:
    rows, columns = np.mgrid[:64, :64]
    disc = (rows - 32) ** 2 + (columns - 32) ** 2 < 18**2
    image = np.where(disc[..., None], [230, 60, 40], [20, 90, 30]).astype(np.uint8)
    image += np.random.default_rng(0).integers(0, 20, image.shape, np.uint8)
    found = grabcut(image)
    assert np.abs(found - disc).mean() < 0.02
    np.testing.assert_array_equal(found, grabcut(image))


def test_defeats_names_metric_and_rival() -> None:
    def rows(sad: float, mse: float) -> dict[str, dict[str, float]]:
        return {"a": {"sad": sad, "mse": mse}}

    won = Comparison({MODEL: rows(1, 0.1), GRABCUT: rows(2, 0.2), CONSTANT: rows(3, 0.3)})
    lost = Comparison({MODEL: rows(1, 0.2), GRABCUT: rows(2, 0.2), CONSTANT: rows(0.5, 0.3)})
    assert won.defeats() == []
    assert lost.defeats() == [
        f"MSE 0.2 is not below 0.2 of the {GRABCUT}",
        f"SAD 1 is not below 0.5 of the {CONSTANT}",
    ]
    third = Comparison({MODEL: rows(1 / 3, 0), GRABCUT: rows(0.3, 1), CONSTANT: rows(1, 1)})
    assert third.defeats() == [f"SAD 0.3333 is not below 0.3 of the {GRABCUT}"]
    assert lost.mean(MODEL, "grad") is None


def test_chart_spans_the_plot() -> None:
    svg = chart(Curve("loss", [0, 10], [1, 0.01], logarithmic=True), width=540, height=260)
    assert 'points="56.0,24.0 512.0,224.0"' in svg


def test_chart_without_values_says_so() -> None:
    assert "nothing was logged" in chart(Curve("loss", [0], [float("nan")]))


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """Files of the demo's other steps, with mattes that are exact."""
    for name in ("photos", "truth", "mattes/rgba", "mattes/alpha", "mattes/trimap", "new"):
        (tmp_path / name).mkdir(parents=True)
    for index, kind in enumerate(("fur", "holes", "thin")):
        scene = draw_scene(np.random.default_rng(index), 64, 64, kind)
        write_rgb(tmp_path / "photos" / f"{kind}.png", scene.image)
        write_alpha(tmp_path / "truth" / f"{kind}.png", scene.alpha)
        write_alpha(tmp_path / "mattes/alpha" / f"{kind}.png", scene.alpha)
        write_rgba(tmp_path / "mattes/rgba" / f"{kind}.png", scene.foreground, scene.alpha)
        trimap = (scene.alpha > 0).astype(np.uint8) + (scene.alpha == 1)
        write_trimap(tmp_path / "mattes/trimap" / f"{kind}.png", trimap.astype(np.uint8))
        write_rgb(tmp_path / "new" / f"{kind}.jpg", scene.background)
    (tmp_path / "metrics.csv").write_text("step,loss,val_sad\n0,3.0,\n9,1.0,\n9,,0.5\n")
    return tmp_path


def evaluate_mattes(folder: Path, mattes: str = "mattes/alpha") -> None:
    options = {"pred": folder / mattes, "alpha": folder / "truth", "json": folder / "e.json"}
    assert run("evaluate", options, "--workers", "1") == 0


def report(folder: Path, *more: str) -> int:
    options = {
        "photos": folder / "photos",
        "alpha": folder / "truth",
        "mattes": folder / "mattes",
        "evaluation": folder / "e.json",
        "log": folder / "metrics.csv",
        "backgrounds": folder / "new",
        "out": folder / "report.html",
    }
    return run("report", options, "--require-better", *more)


def run(command: str, options: dict[str, Path], *more: str) -> int:
    paths = [text for name, path in options.items() for text in (f"--{name}", str(path))]
    return main([command, *paths, *more, "--quiet"])


def test_page_is_self_contained_and_a_perfect_model_wins(demo: Path) -> None:
    evaluate_mattes(demo)
    assert report(demo) == 0
    page = (demo / "report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 3 * 5
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "beats GrabCut" in page
    assert (demo / "picture.jpg").stat().st_size > 0


def test_a_model_that_loses_is_an_exit_code_and_still_a_page(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = demo / "wrong"
    wrong.mkdir()
    for path in (demo / "truth").iterdir():
        write_alpha(wrong / path.name, np.ones((64, 64), np.float32))
    evaluate_mattes(demo, "wrong")
    assert report(demo) == 1
    assert "does not beat the baselines" in (demo / "report.html").read_text()
    assert "is not below" in capsys.readouterr().err


def test_new_metric_has_its_column(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worst = Metric(METRICS["mad"].errors, lambda errors: float(errors.max()))
    monkeypatch.setitem(METRICS, "worst", worst)
    evaluate_mattes(demo)
    assert report(demo) == 0
    page = (demo / "report.html").read_text()
    heads = re.findall(r"<th>(\w+)</th>", page)
    assert heads == ["Method", "SAD", "MSE", "MAD", "GRAD", "CONN", "WORST"]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page)
    assert cells[6] == "0" and float(cells[13]) > 0.5 and cells[20] == "–"


def test_the_change_by_training_is_on_the_page_with_the_gallery(demo: Path) -> None:
    spoiled = demo / "spoiled"
    spoiled.mkdir()
    for path in (demo / "truth").iterdir():
        write_alpha(spoiled / path.name, np.ones((64, 64), np.float32))
    evaluate_mattes(demo, "spoiled")
    (demo / "e.json").rename(demo / "before.json")
    evaluate_mattes(demo)
    picture = str(next((demo / "photos").iterdir()))
    assert report(demo, "--before", str(demo / "before.json"), "--gallery", picture) == 0
    page = (demo / "report.html").read_text()
    assert BEFORE in page
    assert "The training changed SAD by -100.0%" in page
    assert page.count("data:image/jpeg;base64,") == 1 + 3 * 5


def test_an_evaluation_before_of_other_photographs_is_refused(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate_mattes(demo)
    content = json.loads((demo / "e.json").read_text())
    content["images"].pop()
    (demo / "before.json").write_text(json.dumps(content))
    assert report(demo, "--before", str(demo / "before.json")) == 2
    assert "before.json" in capsys.readouterr().err


def test_long_thin_photograph_stays_a_picture() -> None:
    assert fit_page(np.zeros((4, 3000, 3), np.uint8)).shape == (1, 320, 3)


def test_an_evaluation_of_other_photographs_is_named(
    demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate_mattes(demo)
    content = json.loads((demo / "e.json").read_text())
    content["images"][0]["name"] = "stranger"
    (demo / "e.json").write_text(json.dumps(content))
    assert report(demo) == 2
    assert "stranger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"convention": "dim"}, "has metrics of the convention 'dim'"),
        ({"images": []}, "holds no evaluated image"),
        ({"images": ["fur"]}, "is no evaluation (TypeError"),
        ({"images": [{"name": "fur"}]}, "is no evaluation (KeyError: 'sad')"),
        ({"images": [{"name": "fur", "sad": "much", "mse": 0}]}, "is no evaluation (ValueError"),
    ],
    ids=["other convention", "nothing", "no rows", "no metric", "no number"],
)
def test_other_evaluations_are_refused(
    demo: Path, change: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate_mattes(demo)
    content = json.loads((demo / "e.json").read_text())
    (demo / "e.json").write_text(json.dumps(content | change))
    assert report(demo) == 2
    assert f"error: {demo / 'e.json'}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["new", "e.json/report.html"], ids=["a folder", "below a file"])
def test_report_that_cannot_be_written_is_told(
    demo: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate_mattes(demo)
    assert report(demo, "--out", str(demo / out)) == 2
    assert f"error: {demo / out}: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"step,loss\n1,\xff", "cannot be read"),
        (b"step,loss\n1,much", "is no log of a run"),
        (b"loss\n1", "is no log of a run"),
        (b"step,loss\n", "holds no loss"),
    ],
    ids=["missing", "no text", "no number", "no step", "nothing"],
)
def test_broken_log_is_told_before_anything_is_computed(
    demo: Path,
    content: bytes | None,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gfm.evaluation.comparison.grabcut", None)  # would fail if it were called
    evaluate_mattes(demo)
    (demo / "metrics.csv").unlink()
    if content is not None:
        (demo / "metrics.csv").write_bytes(content)
    assert report(demo) == 2
    assert f"error: {demo / 'metrics.csv'}: {message}" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_broken_facts_are_told(
    demo: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo / "facts.json").write_text(content)
    evaluate_mattes(demo)
    assert report(demo, "--facts", str(demo / "facts.json")) == 2
    assert f"error: {demo / 'facts.json'}: " in capsys.readouterr().err
