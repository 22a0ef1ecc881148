"""Sessions: the automatic matte first, then every click corrects it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tiny import build, draw_photograph, shared

import gfm
from gfm.checkpoints import packaged
from gfm.checkpoints.files import save_model
from gfm.inference import session as module
from gfm.inference.cutout import Matte
from gfm.inference.loading import packaged_model
from gfm.models import registry
from gfm.models.contract import Prediction, System
from rssn.imaging.errors import InputError


class Corrector(System):
    """A system whose matte is the one before, with 1 or 0 within two pixels of the last click."""

    name = "corrector"
    guidance = frozenset({"clicks", "mask"})
    needs_guidance = True
    corrects_matte = True
    calls = 0

    def build(self, config, weights=None):
        raise NotImplementedError

    def predict(self, models, images, guidance, options):
        type(self).calls += 1
        made = guidance[0].mask.copy()
        x, y, positive = list(guidance[0].clicks)[-1]
        made[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = float(positive)
        return [Prediction(made)]


class Model:
    system, training = "corrector", False
    device, config = "cpu", None


@pytest.fixture
def model(monkeypatch, tmp_path):
    monkeypatch.setitem(registry.SYSTEMS, "corrector", "test_session")
    monkeypatch.setattr("test_session.SYSTEM", Corrector(), raising=False)
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)  # a tiny automatic model
    packaged_model.cache_clear()
    save_model(build(), tmp_path / "lite.safetensors")
    yield Model()
    packaged_model.cache_clear()


PHOTOGRAPH = draw_photograph(0)


def test_first_matte_is_automatic_and_clicks_correct_the_one_before(model):
    session = gfm.Session(PHOTOGRAPH, model)
    automatic = gfm.matte(PHOTOGRAPH).alpha
    np.testing.assert_array_equal(session.matte.alpha, automatic)
    session.click(10, 20).click(40, 5, positive=False)
    wanted = automatic.copy()
    wanted[18:23, 8:13], wanted[3:8, 38:43] = 1, 0
    np.testing.assert_array_equal(session.matte.alpha, wanted)
    assert list(session.clicks) == [(10, 20, True), (40, 5, False)]


def test_undo_redo_and_clear_take_no_pass(model):
    session = gfm.Session(PHOTOGRAPH, model, automatic=False)
    assert not session.matte.alpha.any()
    states = [session.matte.alpha]
    for x in (5, 15, 25):
        states.append(session.click(x, 9).matte.alpha)
    before = Corrector.calls
    for number in (2, 1, 0, 0):  # one more than there are
        np.testing.assert_array_equal(session.undo().matte.alpha, states[number])
    for number in (1, 2, 3, 3):
        np.testing.assert_array_equal(session.redo().matte.alpha, states[number])
    assert Corrector.calls == before
    assert len(session.undo().click(60, 40).redo().clicks) == 3  # a new click ends redoing
    np.testing.assert_array_equal(session.clear().matte.alpha, states[0])


def test_a_new_click_after_undo_is_not_the_one_before(model):
    session = gfm.Session(PHOTOGRAPH, model, automatic=False)
    session.click(5, 5).click(20, 20)
    assert session.matte.alpha[20, 20] == 1
    session.undo().click(40, 40)
    made = session.matte.alpha
    assert made[40, 40] == 1 and made[20, 20] == 0 and made[5, 5] == 1


def test_memory_is_bounded_and_earlier_mattes_are_made_again(model, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 2 * PHOTOGRAPH.shape[0] * PHOTOGRAPH.shape[1] * 4)
    session = gfm.Session(PHOTOGRAPH, model, automatic=False)
    states = [session.click(4 + 6 * number, 9).matte.alpha for number in range(6)]
    before = Corrector.calls
    np.testing.assert_array_equal(session.undo().matte.alpha, states[4])
    assert Corrector.calls == before
    for number in range(3, -1, -1):
        np.testing.assert_array_equal(session.undo().matte.alpha, states[number])
    assert Corrector.calls > before  # from the first matte on
    for number in range(1, 6):
        np.testing.assert_array_equal(session.redo().matte.alpha, states[number])


def test_session_is_saved_and_loaded(model, tmp_path):
    session = gfm.Session(PHOTOGRAPH, model).click(3, 4).stroke([(10, 10), (14, 10)], False)
    assert len(session.clicks) == 6
    assert list(session.undo().clicks) == [(3, 4, True)]  # the stroke as a whole
    session.redo()
    session.save(tmp_path / "clicks.json")
    again = gfm.Session.load(tmp_path / "clicks.json", PHOTOGRAPH, model)
    assert again.clicks == session.clicks
    np.testing.assert_array_equal(again.matte.alpha, session.matte.alpha)
    with pytest.raises(InputError, match=r"clicks\.json: .*64x48 px"):
        gfm.Session.load(tmp_path / "clicks.json", draw_photograph(0, 50, 64), model)


def test_threads_share_a_session(model):
    session = gfm.Session(PHOTOGRAPH, model, automatic=False)
    places = [(x, y) for x in range(3, 60, 6) for y in (5, 20, 40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda place: session.click(*place).matte, places))
    made = session.matte.alpha
    assert len(session.clicks) == len(places) and all(made[y, x] == 1 for x, y in places)


def test_what_is_refused_leaves_the_session_as_it_was(model, monkeypatch):
    session = gfm.Session(PHOTOGRAPH, model, automatic=False).click(1, 1)
    monkeypatch.setattr(module, "MOST_CLICKS", 1)
    for x, y, positive, message in (
        (64, 0, True, r"\(64, 0, True\)"),
        (1, 1, False, "x=1, y=1"),
        (2, 2, True, "1 clicks"),
    ):
        with pytest.raises(InputError, match=message):
            session.click(x, y, positive)
    assert list(session.clicks) == [(1, 1, True)]
    with pytest.raises(InputError, match=r"glance_focus .*clicks"):
        gfm.Session(PHOTOGRAPH, shared())
    with pytest.raises(InputError, match=r"first .*8x8 px, .*64x48"):
        zeros = np.zeros((8, 8, 3), np.uint8)
        gfm.Session(PHOTOGRAPH, model, first=Matte(zeros[..., 0] / 1.0, zeros, zeros[..., 0]))


def test_a_session_begins_with_a_matte_that_is_given(model):
    first = gfm.matte(PHOTOGRAPH)
    session = gfm.Session(PHOTOGRAPH, model, first=first)
    assert session.matte is first
    assert session.click(10, 20).matte.alpha[20, 10] == 1 and session.undo().matte is first
