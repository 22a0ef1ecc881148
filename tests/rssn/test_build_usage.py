"""Options of a build that are refused, and what is told of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from drawings import draw_disc, draw_picture

from rssn.build.builder import BuildOptions, blur_hint, build, main, route_options
from rssn.imaging.errors import InputError
from rssn.imaging.locations import locate
from rssn.imaging.writing import write_alpha, write_rgb
from rssn.route.compose import ROUTES


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--seed", "1"], "setting seed is 1"),
        (["--format", "png"], "setting image_format"),
        (["--k", "1"], "setting route"),
    ],
)
def test_resuming_with_other_settings_is_refused(
    arguments: list[str],
    finished: Path,
    change: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, *change, "--out", str(finished), "--resume"]) == 2
    assert message in capsys.readouterr().err


def test_resuming_with_other_images_is_refused(
    arguments: list[str], finished: Path, foregrounds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rgb(foregrounds / "original" / "photo1.png", draw_picture(77))
    assert main([*arguments, "--out", str(finished), "--resume"]) == 2
    assert "the input images changed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--k", "7"], "--k 6"),
        (["--route", "rsn"], "choose from ['rssn', 'bg20k'"),
        (["--backgrounds", "nowhere"], "nowhere: "),
        (["--foregrounds", "nowhere"], "nowhere: "),
        (["--out", "nix://bucket/x"], "nix://bucket/x"),
        (["--out", "memory://bucket/x"], "give --cache DIR"),
        (["--workers", "0"], "workers=0"),
        (["--samples-per-shard", "0"], "samples_per_shard=0"),
        (["--seed", "-1"], "seed=-1"),
    ],
)
def test_usage_errors(
    arguments: list[str],
    tmp_path: Path,
    change: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out"), *change]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_output_that_is_not_empty_is_refused(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert main([*arguments, "--out", str(out)]) == 2
    assert f"out={out} is not empty" in capsys.readouterr().err


def test_cutouts_have_no_photograph_to_keep(tmp_path: Path) -> None:
    for name in ("fg", "alpha"):
        (tmp_path / name).mkdir()
    write_rgb(tmp_path / "fg" / "a.png", draw_picture(1))
    write_alpha(tmp_path / "alpha" / "a.png", draw_disc())
    with pytest.raises(InputError, match="'original'"):
        build(tmp_path, None, tmp_path / "out", BuildOptions(ROUTES["original"]))


def test_file_addresses() -> None:
    assert locate("file:///data/my%20shards") == Path("/data/my shards")
    assert locate("plain/folder") == Path("plain/folder")


def test_missing_ray_names_the_extra(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main([*arguments, "--executor", "ray", "--out", str(tmp_path / "out")]) == 2
    assert (
        "pip install -e '.[ray]' in the project's folder, or choose 'local'"
        in capsys.readouterr().err
    )


def test_blur_that_leaves_nothing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--foregrounds", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    for quiet in ([], ["--quiet"]):
        assert main([*given, "--size", "128", *quiet]) == 2
        assert ("60 px" in capsys.readouterr().err) == (not quiet)
    small = replace(ROUTES["rssn"], shorter_side=128)
    assert "--blur-reference 1080" in str(blur_hint(small))
    for fine in ({"blur_reference": 1080}, {"blur_probability": 0.0}, {"shorter_side": 600}):
        assert blur_hint(replace(small, **fine)) is None
    assert blur_hint(ROUTES["rssn"]) is None


def test_blur_is_scaled_by_an_option() -> None:
    assert route_options("rssn", blur_reference=1080).blur_reference == 1080
    assert route_options("rssn") == ROUTES["rssn"]
    with pytest.raises(InputError, match="blur_reference=2"):
        route_options("rssn", blur_reference=2)
