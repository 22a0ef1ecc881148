import json

import numpy as np
import pytest
from folders import background, scene

from data_tools.__main__ import main
from data_tools.collection import Item, find_collections
from data_tools.matte_checks import looks_inverted, transition_width
from data_tools.measurement import Measurement, measure, measure_matte
from data_tools.verify import MEANING, NOTES, verify
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb, write_rgba


def write_pairs(folder, seeds, names=("original", "mask")):
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        image, alpha = scene(seed)
        write_rgb(folder / names[0] / f"p{seed}.png", image)
        write_alpha(folder / names[1] / f"p{seed}.png", alpha)
    return folder


@pytest.fixture
def data(tmp_path):
    return write_pairs(tmp_path / "data", range(4))


def kinds(verification):
    return [finding.kind for finding in verification.findings]


def only(verification, kind):
    (finding,) = verification.findings
    assert finding.kind == kind
    return finding.text


def check(folder, *against):
    return verify(folder, against, workers=1, quiet=True)


def disc(height=48, width=64):
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return ((0.7 - np.hypot(x, y)) * 5 + 0.5).clip(0, 1).astype(np.float32)


def test_nothing_wrong(data):
    assert check(data).findings == () and check(data).images == (4,)


class TestDefects:
    def write(self, data, alpha):
        write_alpha(data / "mask/p1.png", np.asarray(alpha, np.float32))

    def test_pair(self, data):
        (data / "mask/p1.png").unlink()
        assert "p1.png: photograph without a matte" in only(check(data), "pair")

    def test_image(self, data):
        (data / "original/p1.png").write_bytes(b"\x89PNG\r\n")
        assert "p1.png: is not an image" in only(check(data), "image")

    def test_matte_with_colours(self, data):
        write_rgb(data / "mask/p1.png", scene(1)[0])
        assert "is a colour picture, not a matte" in only(check(data), "matte")

    def test_size(self, data):
        self.write(data, disc(40, 64))
        assert "64x40 px, its image 64x48" in only(check(data), "size")

    def test_empty_and_full(self, data):
        self.write(data, np.zeros((48, 64)))
        assert "0 everywhere" in only(check(data), "empty")
        self.write(data, np.ones((48, 64)))
        assert "1 everywhere" in only(check(data), "full")

    def test_inverted(self, data):
        self.write(data, 1 - disc())
        assert "looks inverted" in only(check(data), "inverted")

    def test_binary_and_faint_are_notes(self, data):
        self.write(data, disc() > 0.5)
        assert "0.0000% of its alpha is fractional" in only(check(data), "binary")
        self.write(data, disc() * 0.6)
        assert "reaches 0.600 only" in only(check(data), "faint")
        assert not any(finding.wrong for finding in check(data).findings)

    def test_channels_are_told_where_the_photograph_tells(self, data):
        (data / "fg").mkdir()
        for seed in range(4):
            colours = scene(seed)[0]
            write_rgb(data / f"fg/p{seed}.png", colours[..., ::-1] if seed == 2 else colours)
        text = only(check(data), "channels")
        assert "fg/p2.png: red and blue are swapped against" in text

    def test_colours_of_another_image(self, data):
        (data / "fg").mkdir()
        write_rgb(data / "fg/p2.png", np.full((48, 64, 3), 255, np.uint8) - scene(2)[0])
        assert "is it of another image?" in only(check(data), "channels")


class TestDuplicates:
    def test_the_same_file_twice(self, data):
        for folder in ("original", "mask"):
            (data / folder / "z.png").write_bytes((data / folder / "p1.png").read_bytes())
        assert "z.png: is the same file as" in only(check(data), "duplicate")

    def test_nearly_the_same_is_a_note(self, data):
        image, alpha = scene(1)
        write_rgb(data / "original/z.png", np.clip(image * 0.9 + 8, 0, 255).astype(np.uint8))
        write_alpha(data / "mask/z.png", alpha)
        verification = check(data)
        assert "z.png: is nearly" in only(verification, "near-duplicate")
        assert not verification.findings[0].wrong

    @pytest.mark.parametrize("mirrored", [False, True])
    def test_leak_into_another_collection(self, data, tmp_path, mirrored):
        other = write_pairs(tmp_path / "other", [7, 8])
        assert check(data, other).findings == ()
        image, alpha = scene(2)
        if mirrored:
            image, alpha = image[:, ::-1], alpha[:, ::-1]
        write_rgb(other / "original/leaked.jpg", np.ascontiguousarray(image))
        write_alpha(other / "mask/leaked.png", alpha)
        text = only(check(data, other), "leak")
        assert "leaked.jpg: is " + ("a mirror image of" if mirrored else "nearly") in text
        assert "p2.png" in text

    def test_splits_below_a_folder_are_checked_against_one_another(self, tmp_path):
        write_pairs(tmp_path / "train", [0, 1])
        write_pairs(tmp_path / "validation", [1, 2])
        verification = check(tmp_path)
        assert verification.images == (2, 2)
        assert "is the same file as" in only(verification, "leak")

    def test_faults_of_the_others_are_not_ours(self, data, tmp_path):
        other = write_pairs(tmp_path / "other", [7, 8])
        write_alpha(other / "mask/p7.png", np.zeros((48, 64), np.float32))
        assert check(data, other).findings == ()


class TestCommand:
    def test_wrong_things_end_with_one_and_are_named(self, data, tmp_path, capsys):
        write_alpha(data / "mask/p1.png", np.zeros((48, 64), np.float32))
        write_alpha(data / "mask/p2.png", disc() * np.float32(0.5))
        out = tmp_path / "report/verify.json"
        assert main(["verify", str(data), "--quiet", "--workers", "1", "--json", str(out)]) == 1
        printed = capsys.readouterr()
        assert "failed: empty: " in printed.err and "p1.png" in printed.err
        assert "note: faint: " in printed.out
        report = json.loads(out.read_text())
        assert report["wrong"] == 1 and len(report["findings"]) == 2
        assert report["collections"] == {str(data): 4}

    def test_notes_alone_end_with_zero(self, data):
        write_alpha(data / "mask/p2.png", disc() * np.float32(0.5))
        assert main(["verify", str(data), "--quiet", "--workers", "1"]) == 0

    def test_folder_without_images(self, tmp_path, capsys):
        assert main(["verify", str(tmp_path), "--quiet"]) == 2
        assert "holds no images" in capsys.readouterr().err

    def test_every_kind_has_a_meaning(self):
        assert NOTES <= MEANING.keys()


class TestMeasures:
    def test_matte_of_known_values(self):
        alpha = np.zeros((10, 20), np.float32)
        alpha[:, 10:] = 1
        alpha[:, 6:10] = [0.125, 0.25, 0.5, 0.75]
        matte = measure_matte(alpha)
        assert (matte.background, matte.transition, matte.foreground) == (0.3, 0.2, 0.5)
        assert (matte.lowest, matte.highest, matte.bits) == (0, 1, 16)  # 0.125 is no 8-bit level
        assert matte.fractions[2] == 10 and sum(matte.fractions) == 40
        # 4 columns of 10 fractional pixels along an outline of 10: the column of alpha 0.5
        assert matte.width == 4

    def test_eight_bits(self):
        alpha = (np.arange(256) / np.float32(255)).reshape(16, 16).astype(np.float32)
        assert measure_matte(alpha).bits == 8

    def test_width_of_smoke_and_of_nothing_is_none(self):
        assert transition_width(np.zeros((9, 9), np.float32)) is None
        assert transition_width(np.ones((9, 9), np.float32)) is None
        smoke = np.full((20, 20), 0.2, np.float32)
        smoke[5, 5] = 0.6
        assert transition_width(smoke) is None

    def test_a_subject_cut_by_the_frame_is_not_inverted(self):
        portrait = np.zeros((60, 40), np.float32)
        portrait[20:, 8:32] = 1
        assert not looks_inverted(portrait) and looks_inverted(1 - portrait)
        assert not looks_inverted(np.ones((60, 40), np.float32))
        assert not looks_inverted(np.ones((1, 1), np.float32))

    def test_cutouts_are_seen_on_grey_whatever_is_beneath(self, tmp_path):
        image, alpha = scene(5)
        beneath = np.where(alpha[..., None] > 0, image, 255 - image)
        for name, colours in (("a.png", image), ("b.png", beneath)):
            write_rgba(tmp_path / name, colours, alpha)
        first, second = (measure(Item(tmp_path / name, "image")) for name in ("a.png", "b.png"))
        assert isinstance(first, Measurement) and first.kind == "cut-out"
        assert first.signature.thumbnail == second.signature.thumbnail
        assert first.colour == second.colour and first.signature.digest != second.signature.digest

    def test_a_picture_a_few_pixels_wide(self, tmp_path):
        """Its view would be less than a pixel wide."""
        write_rgb(tmp_path / "a.png", np.full((2000, 2, 3), (200, 100, 0), np.uint8))
        assert measure(Item(tmp_path / "a.png", "image")).colour == (200, 100, 0)

    def test_colours_of_known_values(self, tmp_path):
        picture = np.zeros((16, 16, 3), np.uint8)
        picture[:8], picture[8:] = (200, 100, 0), (100, 200, 0)
        write_rgb(tmp_path / "a.png", picture)
        measured = measure(Item(tmp_path / "a.png", "image"))
        assert (measured.kind, measured.matte) == ("background", None)
        assert measured.colour == (150, 150, 0)
        # rg = +-100: deviation 100, mean 0; yb = 150 throughout: 100 + 0.3 * 150
        assert measured.colourfulness == pytest.approx(145)


def test_collections(tmp_path):
    with pytest.raises(InputError, match="none: "):
        find_collections(tmp_path / "none")
    (tmp_path / "b/backgrounds").mkdir(parents=True)
    write_rgb(tmp_path / "b/backgrounds/x.png", background(1))
    write_pairs(tmp_path / "a", [1], ("fg", "alpha"))
    (tmp_path / "empty").mkdir()
    assert find_collections(tmp_path) == [tmp_path / "a", tmp_path / "b"]
    assert check(tmp_path).images == (1, 1)
