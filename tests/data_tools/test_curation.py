import csv
import json

import cv2
import numpy as np
import pytest

from data_tools.__main__ import main
from data_tools.candidates import measure_all
from data_tools.choice import read_decisions, side_of
from data_tools.curation import CurationOptions, curate
from data_tools.saliency import saliency
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_rgb

OPTIONS = CurationOptions(shorter_side=64)


def texture(seed, height=64, width=96):
    """A picture that is alike everywhere: noise enlarged, with colours of its own."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(rng.uniform(80, 170, 3), 25, (12, 18, 3)).clip(0, 255).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def with_subject(seed, height=64, width=96):
    """The same with a disc of another colour in the middle."""
    image = texture(seed, height, width)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    image[np.hypot(x, y) < 0.5] = (250, 20, 20)
    return image


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for seed in range(6):
        write_rgb(folder / f"t{seed}.png", texture(seed, 80, 120))
    write_rgb(folder / "deep/exact.jpg", texture(7))
    write_rgb(folder / "small.png", texture(8, 40, 90))
    write_rgb(folder / "subject.png", with_subject(9))
    write_rgb(folder / "u_copy.png", cv2.resize(texture(0, 80, 120), (105, 70)))
    return folder


def status(curation):
    return {choice.image.path.name: choice.status for choice in curation.choices}


def run(source, out, options=OPTIONS):
    return curate([source], out, options, workers=1, quiet=True)


class TestSaliency:
    @pytest.mark.parametrize("seed", range(5))
    def test_a_subject_raises_it(self, seed):
        assert saliency(texture(seed)) < 1.8 < saliency(with_subject(seed))

    def test_an_even_picture_has_none(self):
        assert saliency(np.full((40, 60, 3), 90, np.uint8)) == pytest.approx(0, abs=1e-2)

    def test_the_lower_border_is_no_background(self):
        """A person cut by the lower border is as salient as one that stands free."""
        picture = texture(1)
        picture[16:, 30:66] = (250, 20, 20)
        assert saliency(picture) > 1.8

    def test_size_of_the_picture_hardly_matters(self):
        large = cv2.resize(with_subject(2), (384, 256), interpolation=cv2.INTER_CUBIC)
        assert saliency(large) == pytest.approx(saliency(with_subject(2)), rel=0.3)


class TestChoices:
    def test_each_image_has_its_place(self, source, tmp_path):
        curation = run(source, tmp_path / "out")
        found = status(curation)
        assert curation.failures == ()
        assert found["small.png"] == "small" and found["u_copy.png"] == "duplicate"
        assert found["subject.png"] == "review"
        kept = [name for name, each in found.items() if each in ("train", "test")]
        assert sorted(kept) == ["exact.jpg", *(f"t{seed}.png" for seed in range(6))]
        for choice in curation.choices:
            path = tmp_path / "out" / choice.status / choice.image.name
            assert path.exists() == (choice.status in ("train", "test", "review"))
            if path.exists():
                assert min(read_rgb(path).shape[:2]) == 64

    def test_a_jpeg_of_the_right_size_keeps_its_bytes(self, source, tmp_path):
        run(source, tmp_path / "out")
        (path,) = (tmp_path / "out").glob("t*/exact_*.jpg")
        assert path.read_bytes() == (source / "deep/exact.jpg").read_bytes()

    def test_report_names_reasons(self, source, tmp_path):
        run(source, tmp_path / "out")
        report = json.loads((tmp_path / "out/report.json").read_text())
        assert report["options"]["shorter_side"] == 64
        reasons = {row["source"].rsplit("/", 1)[1]: row["reason"] for row in report["images"]}
        assert reasons["small.png"] == "90x40 px, wanted 64 and more"
        assert reasons["u_copy.png"].startswith("nearly") and "t0.png" in reasons["u_copy.png"]
        assert sum(report["counts"].values()) == 10

    def test_split_is_three_to_one_and_an_image_never_changes_sides(self):
        digests = [f"{n:032x}" for n in range(4000)]
        sides = [side_of(digest, OPTIONS) for digest in digests]
        # 1000 of 4000 with a standard deviation of 27
        assert abs(sides.count("test") - 1000) < 110
        # Users' sets were divided by these draws.
        assert [number for number in range(12) if sides[number] == "test"] == [0, 8, 11]
        assert side_of(digests[0], CurationOptions(test_share=0)) == "train"
        assert side_of(digests[0], CurationOptions(test_share=1)) == "test"
        assert side_of(digests[6], CurationOptions(seed=1)) == "test" != sides[6]


class TestReview:
    def decide(self, out, name, decision):
        path = out / "review.csv"
        rows = list(csv.DictReader(path.open(newline="")))
        for row in rows:
            if row["name"].startswith(name):
                row["decision"] = decision
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)

    def test_what_waits_comes_first_and_is_on_the_sheet(self, source, tmp_path):
        run(source, tmp_path / "out")
        rows = list(csv.DictReader((tmp_path / "out/review.csv").open(newline="")))
        assert rows[0]["name"].startswith("subject") and rows[0]["place"] == "review"
        assert len(rows) == 8
        assert (tmp_path / "out/review/sheets/01.png").exists()

    def test_keep_moves_it_to_its_side_and_stays_decided(self, source, tmp_path):
        out = tmp_path / "out"
        run(source, out)
        self.decide(out, "subject", "keep")
        for _ in range(2):
            assert status(run(source, out))["subject.png"] in ("train", "test")
            assert len(list(out.glob("t*/subject_*.jpg"))) == 1
            assert not list(out.glob("review/*.jpg")) and not list(out.glob("review/sheets/*"))

    def test_drop_takes_it_out_again_also_what_was_not_flagged(self, source, tmp_path):
        out = tmp_path / "out"
        run(source, out)
        self.decide(out, "t3", "drop")
        assert status(run(source, out))["t3.png"] == "dropped"
        assert not list(out.glob("t*/t3_*.jpg")) and len(list(out.glob("review/t3_*.jpg"))) == 1
        self.decide(out, "t3", "")
        assert status(run(source, out))["t3.png"] in ("train", "test")

    def test_a_file_that_excel_saved(self, tmp_path):
        path = tmp_path / "review.csv"
        path.write_text("name,decision\nä.jpg,Keep\n", encoding="utf-8-sig")
        assert read_decisions(path) == {"ä.jpg": "keep"}
        path.write_text("name,decision\nä.jpg,keep\n", encoding="latin-1")
        with pytest.raises(InputError, match=r"review\.csv: .*UTF-8"):
            read_decisions(path)

    def test_other_words_are_refused(self, source, tmp_path):
        run(source, tmp_path / "out")
        self.decide(tmp_path / "out", "t3", "maybe")
        with pytest.raises(InputError, match="decision='maybe'"):
            run(source, tmp_path / "out")
        assert read_decisions(tmp_path / "none.csv") == {}


class TestResuming:
    def test_measured_images_are_not_measured_again(self, source, tmp_path, monkeypatch):
        run(source, tmp_path / "out")
        before = {path: path.read_bytes() for path in (tmp_path / "out").glob("t*/*.jpg")}
        monkeypatch.setattr("data_tools.candidates.read_rgb", None)
        run(source, tmp_path / "out")
        assert before == {p: p.read_bytes() for p in (tmp_path / "out").glob("t*/*.jpg")}

    def test_a_torn_line_or_a_changed_file_is_measured_again(self, source, tmp_path):
        cache = tmp_path / "measured.jsonl"
        paths = [source / "t0.png", source / "t1.png"]
        first, _ = measure_all(paths, cache, 1, True)
        cache.write_text(cache.read_text()[:-30])
        write_rgb(paths[0], texture(50, 90, 130))
        again, failures = measure_all(paths, cache, 1, True)
        assert again[1] == first[1] and again[0].height == 90 and not failures

    def test_a_measured_image_that_became_a_broken_link_is_named(self, source, tmp_path):
        run(source, tmp_path / "out")
        (source / "t2.png").unlink()
        (source / "t2.png").symlink_to(tmp_path / "gone.png")
        lines = run(source, tmp_path / "out").failures
        assert any("t2.png: FileNotFoundError" in line for line in lines)

    def test_new_sources_change_nothing_of_the_old(self, source, tmp_path):
        run(source, tmp_path / "out")
        before = sorted(path.name for path in (tmp_path / "out").glob("t*/*.jpg"))
        (tmp_path / "more").mkdir()
        write_rgb(tmp_path / "more/a.png", texture(60, 70, 90))
        curate([source, tmp_path / "more"], tmp_path / "out", OPTIONS, workers=1, quiet=True)
        after = sorted(path.name for path in (tmp_path / "out").glob("t*/*.jpg"))
        assert set(before) < set(after) and len(after) == len(before) + 1

    def test_files_that_are_not_chosen_now_are_named(self, source, tmp_path):
        run(source, tmp_path / "out")
        (source / "t2.png").unlink()
        (line,) = run(source, tmp_path / "out").failures
        assert "t2_" in line and "is not among the images chosen now" in line


class TestCommand:
    def arguments(self, source, out):
        options = ["--shorter-side", "64", "--quiet", "--workers", "1"]
        return ["curate-backgrounds", str(source), "--out", str(out), *options]

    def test_bad_files_are_named_and_the_others_done(self, source, tmp_path, capsys):
        (source / "bad.jpg").write_bytes(b"\xff\xd8")
        assert main(self.arguments(source, tmp_path / "out")) == 1
        printed = capsys.readouterr()
        assert "bad.jpg: is a JPEG that was cut short" in printed.err
        assert "review: 1 images" in printed.out and "review.csv" in printed.out

    def test_name_that_is_no_utf8_is_told(self, source, tmp_path):
        write_rgb(source / "\udcff.png", texture(70))
        (line,) = run(source, tmp_path / "out").failures
        assert "UTF-8" in line

    @pytest.mark.parametrize(
        ("option", "value"),
        [("--test-share", "2"), ("--shorter-side", "3"), ("--saliency", "-1"), ("--seed", "-1")],
    )
    def test_options_out_of_range(self, source, tmp_path, capsys, option, value):
        assert main([*self.arguments(source, tmp_path / "out"), option, value]) == 2
        assert f"{option[2:].replace('-', '_')}={value}" in capsys.readouterr().err

    def test_folders_that_cannot_be_used(self, source, tmp_path, capsys):
        assert main(self.arguments(source, source / "out")) == 2
        assert "is inside a source" in capsys.readouterr().err
        assert main(self.arguments(tmp_path / "none", tmp_path / "out")) == 2
        assert main(self.arguments(source, tmp_path / "out")) == 0
        other = [*self.arguments(source, tmp_path / "out"), "--shorter-side", "70"]
        assert main(other) == 2
        assert "--shorter-side 64" in capsys.readouterr().err
