"""One contract for PyTorch and ONNX Runtime: every public call gives the same through both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from documents import ROOT
from tiny import draw_matte, draw_photograph

import gfm
from gfm.checkpoints import packaged
from gfm.checkpoints.files import load_network, read_config
from gfm.checkpoints.packaged import EXPORTED, FOLDER, STATE, find_packaged
from gfm.inference.cutout import Matte
from gfm.models.contract import MattingModel
from gfm.models.registry import get_system
from gfm.runtimes.model import ExportedModel, load_exported
from gfm.video.matting import matte_frames
from rssn.imaging.blending import blend
from rssn.imaging.writing import write_rgb

pytestmark = pytest.mark.integration

MEAN, MOST = 1e-3, 1e-2
NAMES = sorted(file.stem for file in FOLDER.glob(f"*{STATE}"))


def scene(height: int = 160, width: int = 224) -> np.ndarray:
    """A soft disc before another ramp of colours."""
    alpha = draw_matte(height, width, radius=52, rim=8)
    return blend(alpha, draw_photograph(1, height, width), draw_photograph(12, height, width))


PHOTOGRAPH = scene()
TRIMAP = np.where(draw_matte(160, 224, 52, 30) == 1, 255, 128).astype(np.uint8)
TRIMAP[draw_matte(160, 224, 52, 30) == 0] = 0
MASK = draw_matte(160, 224, 50, 1) > 0.5


@pytest.fixture(scope="module")
def both() -> dict[str, tuple[MattingModel, MattingModel]]:
    """Each packaged model in PyTorch and in ONNX Runtime."""
    return {
        name: (load_network(name, "cpu"), load_exported(find_packaged(name, EXPORTED), "cpu"))
        for name in ("lite", "guided", "clicks-lite")
    }


def check_alike(made: Matte, wanted: Matte) -> None:
    """Compare two mattes of a photograph."""
    difference = np.abs(made.alpha - wanted.alpha)
    assert difference.mean() < MEAN and difference.max() < MOST
    assert (made.trimap != wanted.trimap).mean() < MEAN
    shown = np.abs(made.rgba.astype(int) - wanted.rgba)
    assert shown.mean() < 1
    assert np.abs(made.on((9, 99, 199)).astype(int) - wanted.on((9, 99, 199))).mean() < 1


LITE_CALLS: dict[str, Callable[[MattingModel], Matte]] = {
    "plain": lambda model: gfm.matte(PHOTOGRAPH, model, refine="none"),
    "refined": lambda model: gfm.matte(PHOTOGRAPH, model),
    "fusion": lambda model: gfm.matte(PHOTOGRAPH, model, refine="fusion"),
    "resize": lambda model: gfm.matte(PHOTOGRAPH, model, strategy="resize", refine="none"),
    "full": lambda model: gfm.matte(PHOTOGRAPH, model, strategy="full", refine="none"),
    "flip": lambda model: gfm.matte(PHOTOGRAPH, model, augmentation="flip", refine="none"),
    "no colours": lambda model: gfm.matte(PHOTOGRAPH, model, foreground="none"),
    "reductions": lambda model: gfm.matte(PHOTOGRAPH, model, d1=1, d2=1, refine="none"),
    "ensemble": lambda model: gfm.matte(PHOTOGRAPH, [model, model], refine="none"),
    "limit": lambda model: gfm.matte(PHOTOGRAPH, model, max_memory="64GB", refine="none"),
    "batch": lambda model: gfm.matte_batch([PHOTOGRAPH] * 2, model)[1],
}
GUIDED_CALLS: dict[str, Callable[[MattingModel], Matte]] = {
    "trimap": lambda model: gfm.matte(PHOTOGRAPH, model, trimap=TRIMAP),
    "mask": lambda model: gfm.matte(PHOTOGRAPH, model, mask=MASK),
    "flip": lambda model: gfm.matte(PHOTOGRAPH, model, trimap=TRIMAP, augmentation="flip"),
    "limit": lambda model: gfm.matte(PHOTOGRAPH, model, trimap=TRIMAP, max_memory="64GB"),
    "estimated colours": lambda model: gfm.matte(
        PHOTOGRAPH, model, trimap=TRIMAP, foreground="blur"
    ),
}
CLICKS = [(112, 80, True), (20, 20, False)]
CLICK_CALLS: dict[str, Callable[[MattingModel], Matte]] = {
    "clicks": lambda model: gfm.matte(PHOTOGRAPH, model, clicks=CLICKS),
    "clicks and mask": lambda model: gfm.matte(PHOTOGRAPH, model, clicks=CLICKS, mask=MASK),
    "session": lambda model: corrected(gfm.Session(PHOTOGRAPH, model)),
    "session from nothing": lambda model: corrected(
        gfm.Session(PHOTOGRAPH, model, automatic=False)
    ),
}


def corrected(session: gfm.Session) -> Matte:
    """The matte of a session after clicks that were partly taken back."""
    for click in CLICKS:
        session.click(*click)
    session.stroke([(5, 150), (9, 150)], positive=False)
    session.undo().undo().redo()
    assert len(session.clicks) == 2
    return session.matte


CALLS = [("lite", *call) for call in LITE_CALLS.items()]
CALLS += [("guided", *call) for call in GUIDED_CALLS.items()]
CALLS += [("clicks-lite", *call) for call in CLICK_CALLS.items()]


@pytest.mark.parametrize(("name", "call"), [(n, c) for n, _, c in CALLS], ids=[c[1] for c in CALLS])
def test_call_gives_the_same_matte(name, call, both):
    network, exported = both[name]
    check_alike(call(exported), call(network))


def test_frames_of_a_clip_are_the_same(both):
    frames = [PHOTOGRAPH, np.roll(PHOTOGRAPH, 3, axis=1)]
    pairs = zip(*(matte_frames(frames, model) for model in both["lite"]), strict=True)
    for wanted, made in pairs:
        difference = np.abs(made.alpha - wanted.alpha)
        assert difference.mean() < MEAN and difference.max() < MOST


@pytest.mark.parametrize("name", NAMES)
def test_packaged_files_are_of_one_model(name):
    network = load_network(name, "cpu")
    exported = gfm.load_model(name, "cpu")
    assert isinstance(exported, ExportedModel)
    assert exported.system == network.system and exported.config == network.config
    assert exported.licences == network.licences


@pytest.mark.parametrize("name", NAMES)
def test_network_of_an_export_is_that_of_the_state(name, tmp_path, monkeypatch):
    """Wheels have no states."""
    wanted = load_network(find_packaged(name, STATE), "cpu")
    shutil.copy(find_packaged(name, EXPORTED), tmp_path)
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    read = load_network(name, "cpu")
    assert read.config == wanted.config and read.licences == wanted.licences
    assert read_config(name)[1] == wanted.config
    assert read.hashes.keys() == wanted.hashes.keys()
    for source, hashes in wanted.hashes.items():
        np.testing.assert_array_equal(read.hashes[source], hashes)
    states = read.state_dict(), wanted.state_dict()
    assert states[0].keys() == states[1].keys()
    for key, value in states[1].items():
        if not key.endswith("num_batches_tracked"):
            assert states[0][key].dtype == value.dtype and torch.equal(states[0][key], value), key


@pytest.mark.parametrize("name", NAMES)
def test_packaged_file_tells_nothing_of_the_machine_that_made_it(name):
    model = onnx.load(find_packaged(name, EXPORTED))
    assert not any(node.doc_string or node.metadata_props for node in model.graph.node)
    assert b"site-packages" not in model.SerializeToString()


@pytest.mark.slow
def test_packaged_file_is_what_the_command_makes(tmp_path):
    command = [sys.executable, ROOT / "scripts/export_packaged.py", "guided", "--out", tmp_path]
    subprocess.run([*command, "--quiet"], check=True)
    made, packaged = (load_exported(Path(folder, "guided.onnx")) for folder in (tmp_path, FOLDER))
    assert made.runtime.metadata == packaged.runtime.metadata
    write_rgb(tmp_path / "p.png", PHOTOGRAPH)
    anew, before = (
        gfm.matte(tmp_path / "p.png", model, trimap=TRIMAP).alpha for model in (made, packaged)
    )
    np.testing.assert_allclose(anew, before, atol=1e-5)
    assert get_system(made.system).name == "guided"
