"""Large images: tiles that fade into each other, where the glance sees transition."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny import build, draw_matte, draw_photograph, shared

import gfm
from gfm.checkpoints.files import save_model
from gfm.models import windows as tiling
from gfm.models.glance_focus import planning, tiles
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.options import PassOptions
from gfm.models.glance_focus.passes import (
    FOCUS,
    GLANCE,
    VIEWS,
    enlarge,
    enlarge_rows,
    finish,
    network_input,
)
from gfm.models.glance_focus.planning import plan_passes
from gfm.models.glance_focus.tiles import TilePlan, tiled_maps
from gfm.models.memory import format_memory, memory_in_use, parse_memory
from gfm.models.network import bytes_per_pixel
from gfm.models.windows import MARGIN, OVERLAP, RAMP, windows
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_rgb


class LocalModel:
    """Glance and focus are read from the picture: red is the focus, green the class."""

    system = "glance_focus"
    training = False
    device = "cpu"

    def __init__(self, rosta: str = "TT") -> None:
        self.config = GFMConfig("timm:test_resnet", rosta)
        self.seen: list[tuple[int, int]] = []

    def run(self, inputs, outputs):
        return [getattr(self, name)(inputs["image"]) for name in outputs]

    def bytes_per_pixel(self, outputs) -> float:
        return bytes_per_pixel(self.system, self.config, outputs)

    def glance(self, image):
        if self.config.rosta != "TT":
            inside = (image[:, 1:2] > 0.75).astype(np.float32)
            return np.concatenate([1 - inside, inside], axis=1)
        level = image[:, 1:2] * 2
        scores = [1 - np.abs(level - k) for k in range(3)]
        return np.concatenate(scores, axis=1).clip(0, None).astype(np.float32)

    def focus(self, image):
        self.seen.append((image.shape[-2], image.shape[-1]))
        red = torch.from_numpy(np.ascontiguousarray(image[:, :1], np.float32))
        pooled = torch.nn.functional.avg_pool2d(red, 5, 1, 2, count_include_pad=False)
        return pooled.numpy()


@pytest.mark.parametrize("tile", [OVERLAP - 32, OVERLAP, OVERLAP + 32])
def test_picture_of_one_tile_has_one_window(tile):
    (window,) = windows(tile, tile)
    assert (window.start, window.stop) == (0, tile) and (window.weights == 1).all()


def test_windows_add_up_to_one_everywhere():
    for length, tile in ((1000, 320), (320, 320), (321, 320), (2047, 512), (5, 320)):
        total = np.zeros(length)
        for window in windows(length, tile):
            assert window.start % 32 == 0 and window.stop - window.start <= tile
            total[window.start : window.stop] += window.weights
        np.testing.assert_allclose(total, 1, atol=1e-6)


def test_window_fades_behind_its_margin():
    first, second = windows(600, 448)
    assert (first.start, first.stop, second.start, second.stop) == (0, 448, 160, 600)
    assert (first.weights[-MARGIN:] == 0).all() and (second.weights[:MARGIN] == 0).all()
    assert first.weights[0] == 1 and second.weights[-1] == 1
    # Over the common part without the margins, one rises by as much as the other falls.
    assert first.weights[448 - MARGIN - RAMP : 448 - MARGIN].std() > 0


@pytest.mark.parametrize("rows", [slice(0, 7), slice(5, 50), slice(49, 50), slice(0, 50)], ids=str)
def test_rows_are_those_of_the_whole(rows):
    maps = np.random.default_rng(0).random((1, 3, 13, 9), np.float32)
    wanted = enlarge(maps, (50, 33))[..., rows, :]
    np.testing.assert_allclose(enlarge_rows(maps, (50, 33), rows), wanted, atol=1e-5, rtol=0)


def test_maps_are_enlarged_as_the_network_was_trained():
    maps = np.random.default_rng(0).random((2, 3, 13, 9), np.float32)
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(maps), (50, 33), mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(enlarge(maps, (50, 33)), wanted, atol=1e-6)


def test_strips_join_to_the_whole(monkeypatch):
    monkeypatch.setattr("gfm.models.glance_focus.passes.STRIP", 10 * 300)
    photograph, model = draw_photograph(1, 210, 300), shared()
    made = gfm.matte(photograph, model, foreground="none")
    monkeypatch.undo()
    wanted = gfm.matte(photograph, model, foreground="none")
    assert (made.trimap != wanted.trimap).mean() < 1e-4
    assert np.abs(made.alpha - wanted.alpha).mean() < 1e-4


def drawn(height: int, width: int) -> np.ndarray:
    """A picture for `LocalModel`: noise as the focus, transition along a diagonal."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:height, 0:width]
    level = np.select([x < y * width / height - 80, x < y * width / height + 80], [0, 128], 255)
    red = rng.integers(0, 256, (height, width))
    return np.dstack([red, level, level]).astype(np.uint8)


def test_tiles_of_a_local_network_equal_one_pass():
    picture, model = drawn(900, 1100), LocalModel()
    plan = TilePlan(glance=(448, 544), focus=(900, 1100), tile=OVERLAP + 64)
    alpha, trimap = finish([tiled_maps(model, picture, PassOptions(), plan)], (900, 1100))
    taken = list(model.seen)
    focus = model.focus(network_input([picture]))[0, 0]
    wanted = np.where(trimap == 2, 1, np.where(trimap == 1, focus, 0))
    np.testing.assert_allclose(alpha, wanted, atol=1e-5)
    assert set(np.unique(trimap)) == {0, 1, 2}
    count = len(windows(900, plan.tile)) * len(windows(1100, plan.tile))
    assert 0 < len(taken) < count  # only where there is transition


@pytest.mark.parametrize("rosta", ["FT", "BT"])
def test_two_classes_take_tiles_where_the_coarse_focus_is(rosta):
    picture, model = drawn(900, 1100), LocalModel(rosta)
    picture[:, :700, 0] = 0  # no focus on the left
    plan = TilePlan((448, 544), (900, 1100), OVERLAP + 64)
    maps = tiled_maps(model, picture, PassOptions(), plan)
    assert maps.rosta == rosta and maps.detail.shape == (1, 1, 900, 1100)
    np.testing.assert_allclose(maps.detail, model.focus(network_input([picture])), atol=1e-5)
    columns = len(windows(1100, plan.tile))
    assert len(model.seen) - 2 < len(windows(900, plan.tile)) * columns


def test_tiles_of_a_network_equal_one_pass_beyond_its_receptive_field(monkeypatch):
    monkeypatch.setattr(tiling, "MARGIN", 544)
    monkeypatch.setattr(tiling, "OVERLAP", 2 * 544 + RAMP)
    model = build(width=0.25)
    picture = cv2.GaussianBlur(drawn(96, 1600), (0, 0), 2)
    every = np.ones((96, 1600), bool)
    tiled, whole = (
        tiles.focus_canvas(model, picture, VIEWS["none"].focus, tile, every, None)
        for tile in (1280, 1600)
    )
    assert whole.std() > 0.05
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_limit_is_kept_by_the_plan(monkeypatch):
    monkeypatch.setattr(planning, "memory_in_use", lambda device: 500_000_000)
    models = [LocalModel()]
    small = plan_passes(models, 6000, 8000, PassOptions(d2=1, max_memory="3GB"))
    large = plan_passes(models, 6000, 8000, PassOptions(d2=1, max_memory="8GB"))
    assert small.focus == large.focus == (6000, 8000)
    assert small.tile <= large.tile and max(small.glance) <= max(large.glance) <= 1600
    per_pixel = models[0].bytes_per_pixel(FOCUS)
    assert 700e6 + 8 * 48e6 + per_pixel * small.tile**2 <= 3e9
    with pytest.raises(InputError, match=r"8000x6000 .*2\.\dGB"):
        plan_passes(models, 6000, 8000, PassOptions(max_memory="1GB"))
    with pytest.raises(InputError, match="strategy='hybrid'"):
        plan_passes(models, 6000, 8000, PassOptions("full", max_memory="600MB"))


def test_shared_pass_takes_the_memory_of_the_whole_network(monkeypatch):
    monkeypatch.setattr(planning, "memory_in_use", lambda device: 500_000_000)
    models = [LocalModel()]
    whole = models[0].bytes_per_pixel(GLANCE + FOCUS)
    assert whole > models[0].bytes_per_pixel(FOCUS)
    needed = int(700e6 + whole * 960 * 1280)
    for limit, fits in ((needed + 1, True), (needed - 1, False)):
        options = PassOptions(d1=2, d2=2, foreground="none", max_memory=limit)
        assert (plan_passes(models, 1920, 2560, options) is None) == fits


def test_least_of_the_error_works(monkeypatch):
    monkeypatch.setattr(planning, "memory_in_use", lambda device: 500_000_000)
    models = [LocalModel()]
    with pytest.raises(InputError) as caught:
        plan_passes(models, 3000, 4000, PassOptions(max_memory=1))
    least = str(caught.value).rsplit(" ", 1)[1]
    assert plan_passes(models, 3000, 4000, PassOptions(max_memory=least)) is not None


def test_small_images_are_matted_as_without_a_limit():
    photograph = draw_photograph(1, 210, 300)
    wanted = gfm.matte(photograph, shared(), foreground="none").alpha
    made = gfm.matte(photograph, shared(), foreground="none", max_memory="64GB").alpha
    np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4e9), ("500 MB", 5e8), ("1.5GiB", 1.5 * 2**30), ("1024", 1024), (10**9, 1e9)],
)
def test_amounts_of_memory(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "0", "4XB", "1.2.3GB"])
def test_no_amounts_of_memory(text):
    with pytest.raises(InputError, match="'4GB'"):
        parse_memory(text)


def test_amounts_are_written_rounded_up():
    assert format_memory(1.21e9) == "1.3GB" and format_memory(1.2e9) == "1.2GB"


def test_counted_allocations_are_those_of_the_layers():
    found = bytes_per_pixel("glance_focus", GFMConfig("r34"), FOCUS)
    # At half the size, concatenated 128 channels and the 64 after them: 192 * 4 / 4 bytes a pixel.
    assert 192 < found < 1000
    assert bytes_per_pixel("glance_focus", GFMConfig("r34"), FOCUS, 2) == found / 2


PEAK = """
import pathlib, sys
import gfm
model = gfm.load_model(sys.argv[1], "cpu")
made = gfm.matte(sys.argv[2], model, d2=1, max_memory=sys.argv[3])
assert made.rgba.shape == (3000, 4000, 4)
status = pathlib.Path("/proc/self/status").read_text()  # rusage has the starting process's peak
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_peak_memory_stays_under_the_limit(tmp_path):
    save_model(build("r34", width=0.5), tmp_path / "m.safetensors")
    matte = draw_matte(300, 400, radius=90, rim=60)
    write_rgb(
        tmp_path / "p.jpg", cv2.resize(np.dstack([matte] * 3) * 255, (4000, 3000)).astype("u1")
    )
    given = [str(tmp_path / "m.safetensors"), str(tmp_path / "p.jpg"), "1.8GB"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *given],
        capture_output=True,
        text=True,
        check=True,
    )
    assert 0.5e9 < int(done.stdout) * 1024 < 1.8e9


def test_memory_in_use_is_the_resident_part_of_this_process(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda path: "9000 537 210 1 0 4000 0\n")
    held = memory_in_use(torch.device("cpu"))
    assert held == 537 * resource.getpagesize()


def test_memory_in_use_is_at_most_the_peak_where_the_system_does_not_say(monkeypatch):
    def refuse(path: Path) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", refuse)
    monkeypatch.setattr(sys, "platform", "freebsd")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert memory_in_use(torch.device("cpu")) == pytest.approx(peak, rel=0.05)
