"""Files as people bring them, through the whole build: used as expected, or named at the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from builds import samples_of
from drawings import draw_disc, draw_picture
from PIL import Image

from rssn import Manifest
from rssn.build import composition
from rssn.build.builder import main
from rssn.imaging.writing import encode_rgb, write_alpha, write_rgb
from rssn.inspection.command import inspect_build

PHOTO = draw_picture(3)
CUT = encode_rgb(PHOTO)[:-200]


def deep(path: Path) -> np.ndarray:
    cv2.imwrite(str(path), (PHOTO.astype(np.uint16) * 257)[..., ::-1])
    return PHOTO


def grey(path: Path) -> np.ndarray:
    Image.fromarray(PHOTO[..., 0]).save(path)
    return np.repeat(PHOTO[..., :1], 3, axis=2)


def palette(path: Path) -> np.ndarray:
    picture = Image.fromarray(PHOTO).quantize(16)
    picture.save(path)
    return np.asarray(picture.convert("RGB"))


def palette_with_holes(path: Path) -> np.ndarray:
    """Of a photograph the colours count: what may be seen of it is for its matte to say."""
    picture = Image.fromarray(PHOTO).quantize(16)
    picture.save(path, transparency=bytes([0, 128] + [255] * 14))
    return np.asarray(picture.convert("RGB"))


def inks(path: Path) -> np.ndarray:
    Image.fromarray(PHOTO).convert("CMYK").save(path, "JPEG", quality=100)
    return PHOTO


def turned(path: Path) -> np.ndarray:
    picture = Image.fromarray(np.ascontiguousarray(np.rot90(PHOTO)))
    exif = picture.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture.save(path, exif=exif, quality=100, subsampling=0)
    return PHOTO


def plain(path: Path) -> np.ndarray:
    write_rgb(path, PHOTO)
    return PHOTO


KINDS: dict[str, Callable[[Path], np.ndarray]] = {
    "deep.png": deep,
    "grey.png": grey,
    "palette.png": palette,
    "holes.png": palette_with_holes,
    "inks.jpg": inks,
    "turned.jpg": turned,
    "  spaces and größe v1.2 写真.PNG": plain,
}


def test_photographs_of_every_kind_are_used(tmp_path: Path) -> None:
    for folder in ("original", "mask"):
        (tmp_path / "set" / folder).mkdir(parents=True)
    wanted = {}
    for name, make in KINDS.items():
        wanted[Path(name).stem] = make(tmp_path / "set" / "original" / name)
        write_alpha(tmp_path / "set" / "mask" / f"{Path(name).stem}.png", draw_disc())
    options = ["--route", "original", "--format", "png", "--workers", "1", "--quiet"]
    out = tmp_path / "out"
    assert main(["--foregrounds", str(tmp_path / "set"), "--out", str(out), *options]) == 0
    samples = {sample.record["foreground"]: sample for sample in samples_of(out).values()}
    assert samples.keys() == wanted.keys()
    for stem, sample in samples.items():
        off = 2.5 if stem in ("inks", "turned") else 0
        assert np.abs(sample.composite.astype(int) - wanted[stem]).mean() <= off
        np.testing.assert_array_equal(sample.alpha, draw_disc())


def empty_file(image: Path, matte: Path) -> str:
    image.write_bytes(b"")
    return f"original/{image.name}: is empty (0 bytes)"


def text(image: Path, matte: Path) -> str:
    image.write_text("<html>404</html>")
    return f"original/{image.name}: is not an image"


def cut(image: Path, matte: Path) -> str:
    image.unlink()
    image.with_suffix(".jpg").write_bytes(CUT)
    return f"original/{image.stem}.jpg: is a JPEG that was cut short"


def cut_matte(image: Path, matte: Path) -> str:
    matte.write_bytes(matte.read_bytes()[:-20])
    return f"mask/{matte.name}: is not an image"


def other_size(image: Path, matte: Path) -> str:
    write_alpha(matte, draw_disc(40, 40))
    return f"mask/{matte.name}: is 40x40 px, its image 48x64"


def nothing_in_front(image: Path, matte: Path) -> str:
    write_alpha(matte, np.zeros((64, 48), np.float32))
    return f"mask/{matte.name}: alpha is 0 everywhere"


def link_to_itself(image: Path, matte: Path) -> str:
    image.unlink()
    image.symlink_to(image)
    return f"original/{image.name}: cannot be read (Too many levels of symbolic links)"


def link_to_nothing(image: Path, matte: Path) -> str:
    matte.unlink()
    matte.symlink_to("moved away.png")
    return f"mask/{matte.name}: cannot be read (No such file or directory)"


def folder_with_the_name_of_a_file(image: Path, matte: Path) -> str:
    image.unlink()
    image.mkdir()
    return f"mask/{matte.name}: matte without a photograph in original"


def no_permission(image: Path, matte: Path) -> str | None:
    image.chmod(0)
    readable = os.access(image, os.R_OK)  # as for root
    return None if readable else f"original/{image.name}: cannot be read (Permission denied)"


SPOILS = (
    *(empty_file, text, cut, cut_matte, other_size, nothing_in_front, link_to_itself),
    *(link_to_nothing, folder_with_the_name_of_a_file, no_permission),
)


def test_foregrounds_that_cannot_be_used_are_named_and_the_rest_is_built(
    arguments: list[str], foregrounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = {}
    for spoil in SPOILS:
        files = [foregrounds / part / f"{spoil.__name__}.png" for part in ("original", "mask")]
        for file in files:
            shutil.copy(file.with_name("photo0.png"), file)
        reasons[spoil.__name__] = spoil(*files)
    wrong = [reason for reason in reasons.values() if reason is not None]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    failures = Manifest.read(tmp_path / "out").failures
    assert len(failures) == len(wrong)
    told = capsys.readouterr().err
    for reason in wrong:
        assert any(failure.startswith(reason) for failure in failures)
        assert f"failed: {reason}" in told
    used = {sample.record["foreground"] for sample in samples_of(tmp_path / "out").values()}
    usable = {name for name, reason in reasons.items() if reason is None}
    assert used == {*usable, *(f"photo{number}" for number in range(4))}


def test_backgrounds_that_cannot_be_used_are_named(
    arguments: list[str], backgrounds: Path, tmp_path: Path
) -> None:
    (backgrounds / "c0.jpg").write_bytes(CUT)
    (backgrounds / "c1.png").symlink_to(backgrounds / "c1.png")
    (backgrounds / "c2.png").mkdir()  # no file, so no input
    (backgrounds / "c3.webp").touch()
    assert main([*arguments, "--k", "6", "--out", str(tmp_path / "out")]) == 1
    for failure, told in zip(
        Manifest.read(tmp_path / "out").failures,
        ("c0.jpg: is a JPEG that was cut", "c1.png: cannot be read", "c3.webp: is empty"),
        strict=True,
    ):
        assert failure.startswith(told)
    assert {s.record["background"] for s in samples_of(tmp_path / "out").values()} == {
        f"b{number}.png" for number in range(6)
    }


def test_too_few_readable_backgrounds_name_the_others(
    arguments: list[str], backgrounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (backgrounds / "b3.png").write_bytes(b"")
    assert main([*arguments, "--k", "6", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "give --k 5" in told and "b3.png: is empty" in told


def test_a_cache_that_cannot_be_written_is_not_the_fault_of_the_inputs(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    options = ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *options]) == 2
    assert str(tmp_path / "cache") in capsys.readouterr().err


@pytest.mark.parametrize("is_made_again", [False, True])
def test_output_removed_in_the_middle_is_told_and_a_resume_finishes(
    is_made_again: bool,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, original = tmp_path / "out", composition.write_shard

    def remove_before_the_third(path: Path, samples: object) -> object:
        if path.name == "shard-00002.tar":
            shutil.rmtree(out)
            if is_made_again:
                out.mkdir()
        return original(path, samples)

    monkeypatch.setattr(composition, "write_shard", remove_before_the_third)
    options = [*arguments, "--out", str(out), "--cache", str(tmp_path / "cache")]
    assert main(options) == 2
    told = capsys.readouterr().err
    assert ("shard-00000.tar and 1 more" if is_made_again else "No such file") in told
    assert not (out / "manifest.json").exists()
    monkeypatch.undo()
    assert main([*options, "--resume"]) == 0
    assert inspect_build(out, workers=1)["problems"] == []
    assert len(samples_of(out)) == 8
