"""Evaluation by clicks: sessions, figures, reports and the models that are compared."""

from __future__ import annotations

import json

import guided
import numpy as np
import pytest

from gfm.evaluation.click_models import band_trimap, grabcut, in_band, on_sparse_trimaps
from gfm.evaluation.click_report import ClickReport
from gfm.evaluation.clicks import Protocol, evaluate_clicks
from gfm.evaluation.interaction import interact, is_matte, measure
from gfm.guidance.clicks import Clicks
from gfm.guidance.simulated_user import click_on_largest_error
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_alpha, write_rgb


class Corrector:
    """A model that makes a disc around each click right, and remembers nothing else."""

    def __init__(self, truth, radius):
        self.truth, self.radius = truth, radius

    def __call__(self, image, start):
        alpha = np.zeros(self.truth.shape, np.float32) if start is None else start.copy()
        y, x = np.mgrid[: self.truth.shape[0], : self.truth.shape[1]]

        def session(clicks):
            click = clicks.points[-1]
            near = np.hypot(y - click.y, x - click.x) <= self.radius
            alpha[near] = self.truth[near]
            return alpha.copy()

        return session


def test_golden_session_is_measured():
    case = "clicks_90x120"
    truth = guided.inputs("interactive", case)["mask"]
    model = Corrector(truth, 0.22 * 90)
    measured = measure(interact(model, None, truth, click_on_largest_error), truth)
    golden = guided.outputs("interactive", case)
    assert [[y, x, c] for x, y, c in measured.clicks] == golden["clicks"].tolist()
    assert measured.ious[:8] == pytest.approx(golden["iou"].tolist())
    assert measured.ious[8:] == [1] * 12 and len(measured.corrective) == 8
    assert measured.errors == {}


def test_mattes_have_errors_and_a_start_counts():
    truth = guided.draw_matte(40, 50, 1) / np.float32(255)
    assert is_matte(truth) and not is_matte(np.array([[0, 1, 128 / 255]]))
    steps = list(interact(Corrector(truth, 3), None, truth, click_on_largest_error, 4))
    measured = measure(steps, truth, 4)
    assert len(measured.errors["sad"]) == 4
    assert measured.errors["sad"][0] > measured.errors["sad"][3] > 0
    again = measure(
        interact(Corrector(truth, 3), None, truth, click_on_largest_error, 4, truth),
        truth,
        4,
        truth,
    )
    assert again.clicks == [] and again.errors["mad"] == [0] * 4


@pytest.fixture
def data(tmp_path):
    """Two objects, the second with a void band; a mask without object; one of another size."""
    for index, name in enumerate(("a", "b", "empty", "large")):
        mask = guided.draw_mask(48, 60, index, bar=False).astype(np.float32)
        if name == "b":
            mask[np.abs(guided.draw_depth(48, 60, index)) < 2] = 128 / 255
        if name == "empty":
            mask = np.minimum(mask, 128 / 255)
        size = 49 if name == "large" else 48
        for folder in ("original", "mask"):
            (tmp_path / folder).mkdir(exist_ok=True)
        write_rgb(tmp_path / f"original/{name}.png", guided.draw_image(size, 60, index))
        write_alpha(tmp_path / f"mask/{name}.png", mask)
    (tmp_path / "prepared.json").write_text('{"layout": "grabcut"}')
    return tmp_path


def test_folder(data, tmp_path):
    pictures = tmp_path / "pictures"
    protocol = Protocol(clicks=6, pictures=pictures)
    report = evaluate_clicks(grabcut, data, protocol, {"model": "grabcut"}, quiet=True)
    assert list(report.images) == ["a", "b"]
    assert "empty" in report.failures[0] and "no object to click on" in report.failures[0]
    assert "large" in report.failures[1] and "one size" in report.failures[1]
    figures = report.figures
    assert 1 <= figures["noc@85"] <= figures["noc@90"] <= figures["noc@95"] <= 6
    assert figures["auc"] == pytest.approx(np.mean(report.curves["iou"]))
    assert 0 < figures["corrective"] <= 1
    report.write(tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["figures"] == figures and written["model"] == "grabcut"
    assert len(written["images"][0]["ious"]) == 6
    assert read_rgb(pictures / "a.png").shape[1] > 2 * 60
    columns = {column.header for column in report.table().columns}
    assert {"noc@90", "auc", "above 99%"} <= columns
    assert report.table().row_count == 12  # with the published rows
    again = evaluate_clicks(grabcut, data, Protocol(clicks=6), quiet=True)
    assert [m.clicks for m in again.images.values()] == [m.clicks for m in report.images.values()]


def test_noisy_user_is_seeded_by_the_image(data):
    def clicks(seed):
        protocol = Protocol(user="noisy", clicks=3, seed=seed)
        return {
            k: m.clicks
            for k, m in evaluate_clicks(grabcut, data, protocol, quiet=True).images.items()
        }

    first = clicks(1)
    assert clicks(1) == first != clicks(2)


def test_start_from_a_matte(data):
    protocol = Protocol(clicks=2, start=lambda image: np.ones(image.shape[:2], np.float32))
    report = evaluate_clicks(grabcut, data, protocol, quiet=True)
    assert {m.clicks[0][2] for m in report.images.values()} == {False}


def test_a_first_matte_keeps_its_parts_and_may_need_no_click():
    truth = np.zeros((40, 60), np.float32)
    truth[5:15, 5:25], truth[25:35, 30:50], truth[20, 5:8] = 1, 1, 1
    start = truth.copy()
    start[20] = 0

    def keeping(image, first):
        return lambda clicks: np.maximum(first, clicks.masks[1])

    steps = interact(keeping, None, truth, click_on_largest_error, 2, start)
    measured = measure(steps, truth, 2, start)
    report = ClickReport({}, {"a": measured}, [])
    assert measured.start == pytest.approx(400 / 403) and measured.ious[0] > measured.start
    assert report.figures["noc@90"] == report.figures["noc@95"] == 0


def test_chains_of_models():
    seen = []

    def matte(image, trimap):
        seen.append(trimap)
        return (trimap > 0).astype(np.float32)

    clicks = Clicks(30, 20, ((3, 4, True), (9, 9, False)))
    on_sparse_trimaps(matte)(None, None)(clicks)
    assert (seen[0] == 128).sum() == 598 and seen[0][4, 3] == 255 and seen[0][9, 9] == 0

    def segment(image, start):
        half = np.zeros((20, 30), np.float32)
        half[:, 15:] = 1
        return lambda clicks: half

    in_band(segment, matte, 8)(None, None)(clicks)
    assert (seen[1] == 128).sum(axis=1).tolist() == [8] * 20
    assert (band_trimap(np.ones((3, 3), np.float32), 20) == 255).all()


def test_bad_input_names_the_remedy(tmp_path):
    with pytest.raises(InputError, match="clicks=0"):
        Protocol(clicks=0)
    with pytest.raises(InputError, match="original/ and mask/"):
        evaluate_clicks(grabcut, tmp_path / "no", Protocol(), quiet=True)
