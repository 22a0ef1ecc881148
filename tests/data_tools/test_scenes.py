import json
import math

import cv2
import numpy as np
import pytest

from data_tools.__main__ import main
from data_tools.collection import read_collection
from data_tools.scenes import KINDS, draw_background, draw_object, draw_scene
from data_tools.scenes.canvas import Canvas
from data_tools.scenes.folder import PARTS, Settings, write_scenes
from data_tools.scenes.layers import disc_blur, divide_alpha, over, sweep
from data_tools.scenes.scene import told_apart
from data_tools.scenes.shapes import Pose, box, ellipse
from data_tools.scenes.textures import PATTERNS, draw_pattern
from data_tools.split import split
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha, read_rgb


def rng(*seed):
    return np.random.default_rng(seed or 0)


@pytest.mark.parametrize("kind", KINDS)
class TestKind:
    def test_image_is_the_rounded_blend_of_its_parts(self, kind):
        scene = draw_scene(rng(1), 64, 80, kind)
        alpha = scene.alpha[..., None].astype(np.float64)
        blend = np.rint(alpha * scene.foreground + (1 - alpha) * scene.background)
        np.testing.assert_array_equal(scene.image, blend)
        assert scene.image.dtype == scene.foreground.dtype == scene.background.dtype == np.uint8
        assert scene.alpha.dtype == np.float32 and scene.alpha.shape == (64, 80)
        assert scene.kind == kind
        levels = np.rint(scene.alpha * 255).astype(np.uint8)
        np.testing.assert_array_equal(levels.astype(np.float32) / np.float32(255), scene.alpha)

    def test_same_seed_same_scene_other_seed_another(self, kind):
        first, again, other = (draw_scene(rng(3, s), 64, 64, kind) for s in (0, 0, 1))
        np.testing.assert_array_equal(first.image, again.image)
        np.testing.assert_array_equal(first.foreground, again.foreground)
        assert (first.image != other.image).mean() > 0.5

    def test_object_covers_a_part_of_the_picture_and_has_an_edge(self, kind):
        for seed in range(4):
            alpha = draw_scene(rng(4, seed), 96, 96, kind).alpha
            assert 0.01 < alpha.mean() < 0.9
            assert ((alpha > 0.02) & (alpha < 0.98)).mean() > 0.005


@pytest.mark.parametrize("size", [(16, 16), (17, 90)])
def test_any_size(size):
    for seed, kind in enumerate(KINDS):
        scene = draw_scene(rng(9, seed), *size, kind)
        assert scene.image.shape == scene.foreground.shape == scene.background.shape == (*size, 3)
        assert np.isfinite(scene.alpha).all() and scene.alpha.max() > 0


def test_an_object_of_the_background_s_colour_is_told_apart():
    alpha = np.zeros((16, 16), np.float32)
    alpha[4:12, 4:12] = 1
    even = np.full((16, 16, 3), 0.25, np.float32)
    np.testing.assert_allclose(told_apart(even, even, alpha), 0.25**0.4, rtol=1e-5)
    other = np.full((16, 16, 3), 0.5, np.float32)
    assert told_apart(other, even, alpha) is other


def test_smoke_and_glass_are_mostly_translucent():
    for kind in ("smoke", "glass"):
        alpha = np.stack([draw_object(rng(5, s), 64, 64, kind)[1] for s in range(8)])
        seen = alpha[alpha > 0.02]
        assert ((seen > 0.05) & (seen < 0.9)).mean() > 0.5


def test_foreground_is_the_same_inside_whatever_is_beneath():
    """Colour must not fade to black or grey where alpha is small: F is divided, not blended."""
    layer = np.zeros((32, 32, 4), np.float32)
    layer[8:24, 8:24] = [0.2, 0.4, 0.6, 1.0]
    colour, alpha = divide_alpha(disc_blur(layer, 5))
    assert 0 < alpha[alpha > 0].min() < 0.05
    np.testing.assert_allclose(colour, np.broadcast_to([0.2, 0.4, 0.6], colour.shape), atol=1e-4)


def test_over_is_porter_and_duff():
    top = np.array([[[0.3, 0.0, 0.0, 0.5]]], np.float32)
    below = np.array([[[0.0, 0.8, 0.0, 0.8]]], np.float32)
    np.testing.assert_allclose(over(top, below), [[[0.3, 0.4, 0.0, 0.9]]], atol=1e-6)


def test_sweep_of_a_line_is_a_ramp():
    layer = np.zeros((4, 16, 4), np.float32)
    layer[:, 8, :] = 1
    swept = sweep(layer, np.array([[1.0, 0, 1], [0, 1, 0]]), doublings=2)
    expected = np.zeros(16)
    expected[8:12] = 0.25  # four copies, each one pixel on
    np.testing.assert_allclose(swept[1, :, 3], expected, atol=1e-6)


def test_blur_of_a_disc_keeps_the_sum():
    point = np.zeros((65, 65), np.float32)
    point[32, 32] = 1
    for radius in (2.5, 6.0, 12.0):
        blurred = disc_blur(point, radius)
        assert blurred.sum() == pytest.approx(1, abs=0.02)
        assert blurred.max() == pytest.approx(1 / (math.pi * radius**2), rel=0.15)


class TestCanvas:
    def test_a_rectangle_covers_fractions_of_its_border_pixels(self):
        canvas = Canvas(8, 8)
        canvas.fill(box(2.5, 2, 5, 4))
        coverage = canvas.coverage()
        np.testing.assert_allclose(coverage[2:4, 3:5], 1, atol=0.02)
        np.testing.assert_allclose(coverage[2:4, 2], 0.5, atol=0.2)
        assert coverage[:, :2].max() <= 0.2 and coverage[6:].max() == 0

    def test_the_area_of_a_circle(self):
        canvas = Canvas(64, 64)
        canvas.fill(ellipse(31.3, 32.6, 20))
        assert canvas.coverage().sum() == pytest.approx(math.pi * 400, rel=0.02)
        canvas.cut(ellipse(31.3, 32.6, 10))
        assert canvas.coverage().sum() == pytest.approx(math.pi * 300, rel=0.03)

    @pytest.mark.parametrize("width", [0.25, 0.75, 1.25, 2.25, 3.75])
    def test_a_stroke_covers_its_width(self, width):
        canvas = Canvas(32, 32)
        canvas.stroke([np.array([[2.0, 16.4], [30.0, 16.4]])], width)
        across = canvas.coverage()[:, 10:20].sum(0)
        np.testing.assert_allclose(across, width, atol=0.15)

    def test_strands_thin_out_towards_the_tip(self):
        canvas = Canvas(32, 64)
        line = np.stack([np.linspace(2, 62, 13), np.full(13, 16.5)], axis=-1)
        canvas.strands(line[None], 3.0)
        across = canvas.coverage().sum(0)
        assert across[8] > across[30] > across[56] > 0

    def test_nothing_drawn_or_all_outside_covers_nothing(self):
        canvas = Canvas(8, 8)
        assert canvas.coverage().max() == 0
        canvas.stroke([], 2)
        canvas.fill(ellipse(-100, -100, 5))
        assert canvas.coverage().max() == 0


def test_pose_turns_scales_and_moves():
    pose = Pose(x=10, y=20, radius=2, angle=math.pi / 2)
    np.testing.assert_allclose(pose.at([[1, 0], [0, 1]]), [[10, 22], [8, 20]], atol=1e-9)


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_stay_in_range_at_any_size(name):
    for height, width in ((1, 1), (3, 70), (64, 48)):
        pattern = draw_pattern(rng(6), height, width, 64.0, name)
        assert pattern.shape == (height, width) and pattern.dtype == np.float32
        assert 0 <= pattern.min() and pattern.max() <= 1


def test_backgrounds_differ_and_fill_the_size():
    pictures = [draw_background(rng(7, s), 48, 64) for s in range(6)]
    assert all(p.shape == (48, 64, 3) and p.dtype == np.uint8 for p in pictures)
    means = np.array([p.mean((0, 1)) for p in pictures])
    assert means.std(0).max() > 10


def test_colour_does_not_give_the_object_away():
    """A matte of one colour threshold must stay far from the truth over many scenes."""
    errors = []
    for seed in range(24):
        scene = draw_scene(rng(8, seed), 64, 64)
        grey = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY)
        _, mask = cv2.threshold(grey, 0, 1, cv2.THRESH_OTSU)
        errors.append(min(np.abs(scene.alpha - m).mean() for m in (mask, 1 - mask)))
    assert np.mean(errors) > 0.15


def test_bad_arguments_name_the_remedy():
    with pytest.raises(InputError, match="choose from fur"):
        draw_scene(rng(), 64, 64, "cloud")
    with pytest.raises(InputError, match="16 or more"):
        draw_scene(rng(), 8, 64)
    with pytest.raises(InputError, match="choose from fur"):
        Settings(kinds=("fur", "cloud"))
    with pytest.raises(InputError, match="count=-1"):
        Settings(count=-1)


class TestCommand:
    SIZE = ("--size", "48x64", "--quiet", "--seed", "3")

    def run(self, out, *more):
        return main(["synthesize", "--out", str(out), *self.SIZE, *more])

    def bytes_of(self, folder):
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*.*"))
            if path.is_file()
        }

    def test_files_and_their_identity(self, tmp_path):
        assert self.run(tmp_path / "d", "--count", "2", "--backgrounds", "1", "--workers", "1") == 0
        files = self.bytes_of(tmp_path / "d")
        names = [f"{part}/{n}.png" for part in PARTS for n in ("fur_0000", "hair_0001")]
        assert set(files) == {*names, "backgrounds/bg_0000.jpg", "scenes.json"}
        image, fg, bg = (
            read_rgb(tmp_path / "d" / p / "fur_0000.png") for p in ("original", "fg", "bg")
        )
        alpha = read_alpha(tmp_path / "d" / "mask" / "fur_0000.png")[..., None]
        assert image.shape == (48, 64, 3)
        np.testing.assert_array_equal(image, np.rint(alpha * fg + (1 - alpha) * bg))
        record = json.loads(files["scenes.json"])
        assert record["seed"] == 3 and record["height"] == 48 and record["kinds"][0] == "fur"

    @pytest.mark.integration
    def test_bytes_do_not_depend_on_workers_or_on_an_interruption(self, tmp_path):
        kinds = ("--kinds", "thin,smoke")
        all_of_them = (*kinds, "--count", "4", "--backgrounds", "2")
        some = (*kinds, "--count", "2", "--backgrounds", "0")
        assert self.run(tmp_path / "a", *all_of_them, "--workers", "2") == 0
        assert self.run(tmp_path / "b", *some, "--workers", "1") == 0
        (tmp_path / "b" / "mask" / "smoke_0001.png").unlink()
        assert self.run(tmp_path / "b", *all_of_them, "--workers", "1") == 0
        assert self.bytes_of(tmp_path / "a") == self.bytes_of(tmp_path / "b")

    def test_what_is_there_is_not_drawn_again(self, tmp_path):
        settings = Settings(count=1, backgrounds=1, height=32, width=32, kinds=("thin",))
        write_scenes(tmp_path, settings, quiet=True)
        before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}
        write_scenes(tmp_path, settings, quiet=True)
        assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.png")}

    @pytest.mark.parametrize("more", [("--seed", "4"), ("--kinds", "fur"), ("--count", "0")])
    def test_other_settings_are_refused(self, tmp_path, capsys, more):
        base = ("--backgrounds", "0", "--workers", "1")
        assert self.run(tmp_path / "d", "--count", "1", "--kinds", "thin", *base) == 0
        assert self.run(tmp_path / "d", "--count", "1", "--kinds", "thin", *base, *more) == 2
        assert more[0].lstrip("-") in capsys.readouterr().err

    def test_scenes_without_backgrounds_are_a_data_set(self, tmp_path):
        write_scenes(tmp_path, Settings(2, 0, 32, 32, kinds=("thin",)), quiet=True)
        (tmp_path / "trimap").mkdir()
        assert [len(each) for each in read_collection(tmp_path)] == [2, 0]
        out = tmp_path.with_name("divided")
        assert len(split(tmp_path, out, workers=1, quiet=True).sides) == 2

    @pytest.mark.parametrize("size", ["big", "64x", "1x2x3", "-5", "8"])
    def test_a_bad_size_is_refused(self, tmp_path, size):
        assert main(["synthesize", "--out", str(tmp_path / "d"), f"--size={size}"]) == 2
        assert not (tmp_path / "d").exists()
