"""The whole build: the same bytes on every way to them, and no input lost in silence."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builds import contents, samples_of
from drawings import draw_disc, draw_picture

from rssn import Manifest, blend
from rssn.build import composition, preparation
from rssn.build.builder import main
from rssn.denoising import denoise as denoising
from rssn.imaging.reading import read_rgb
from rssn.imaging.writing import write_alpha, write_rgb
from rssn.inspection.command import inspect_build


def test_build_holds_every_sample_once(finished: Path) -> None:
    samples = samples_of(finished)
    assert sorted(samples) == [f"photo{i}-k{k}" for i in range(4) for k in range(2)]
    for i in range(4):
        drawn = {samples[f"photo{i}-k{k}"].record["background"] for k in range(2)}
        assert len(drawn) == 2
    manifest = Manifest.read(finished)
    assert [shard.name for shard in manifest.shards] == [f"shard-{n:05d}.tar" for n in range(4)]
    assert manifest.failures == [] and not (finished / "plan.json").exists()
    assert inspect_build(finished, workers=1)["problems"] == []


def test_stored_f_b_and_alpha_blend_to_the_composite(arguments: list[str], tmp_path: Path) -> None:
    assert main([*arguments, "--out", str(tmp_path / "out"), "--format", "png"]) == 0
    for sample in samples_of(tmp_path / "out").values():
        if sample.record["noise"] is None:
            again = blend(sample.alpha, sample.foreground, sample.background)
            np.testing.assert_array_equal(again, sample.composite)


@pytest.mark.integration
def test_two_workers_give_the_same_bytes(
    arguments: list[str], finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "two"
    assert main([*arguments, "--workers", "2", "--out", out.as_uri()]) == 0
    assert contents(out) == contents(finished)


def test_resumed_build_gives_the_same_bytes(
    arguments: list[str], finished: Path, tmp_path: Path
) -> None:
    wanted = contents(finished)
    whole = (finished / "shard-00002.tar").read_bytes()
    (finished / "manifest.json").unlink()
    (finished / "shard-00001.tar").unlink()
    (finished / "shard-00002.tar").write_bytes(whole[:5000])
    (finished / "shard-00003.tar.123.part").write_bytes(whole[:3000])
    damaged = sorted((finished / ".cache").rglob("*.png"))
    for path, data in zip(
        damaged[:4], (b"", b"x", damaged[2].read_bytes()[:-40], b""), strict=True
    ):
        path.write_bytes(data)
    assert main([*arguments, "--out", str(finished), "--resume"]) == 0
    assert contents(finished) == wanted


def test_resuming_a_finished_build_repairs_it(arguments: list[str], finished: Path) -> None:
    wanted = contents(finished)
    data = bytearray((finished / "shard-00000.tar").read_bytes())
    data[700] ^= 1  # only the manifest's SHA-256 can tell
    (finished / "shard-00000.tar").write_bytes(data)
    untouched = (finished / "shard-00001.tar").stat().st_mtime_ns
    assert main([*arguments, "--out", str(finished), "--resume"]) == 0
    assert contents(finished) == wanted
    assert (finished / "shard-00001.tar").stat().st_mtime_ns == untouched


@pytest.mark.integration
def test_interrupted_in_the_middle_and_resumed(
    arguments: list[str], finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, original, calls = tmp_path / "out", composition.write_shard, []

    def interrupt(path: Path, samples: object) -> object:
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(path, samples)

    monkeypatch.setattr(composition, "write_shard", interrupt)
    assert main([*arguments, "--out", str(out)]) == 130
    assert (out / "plan.json").is_file() and not (out / "manifest.json").exists()
    assert main([*arguments, "--out", str(out), "--resume"]) == 0
    assert len(calls) == 3 + 2  # the two finished shards were not written again
    assert contents(out) == contents(finished)


def test_bad_inputs_are_named_and_the_rest_is_built(
    arguments: list[str],
    foregrounds: Path,
    backgrounds: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (foregrounds / "original" / "photo0.png").write_bytes(b"not an image")
    write_alpha(foregrounds / "mask" / "photo1.png", np.zeros((48, 64), np.float32))
    write_rgb(foregrounds / "original" / "lonely.png", draw_picture(5))
    for number in range(3):
        (backgrounds / f"b{number}.png").write_bytes(b"")
    out = tmp_path / "out"
    assert main([*arguments, "--out", str(out)]) == 1
    told = capsys.readouterr().err
    failures = Manifest.read(out).failures
    for name in ("original/photo0.png", "mask/photo1.png", "original/lonely.png"):
        assert name in told and any(line.startswith(name) for line in failures)
    samples = samples_of(out)
    assert sorted(samples) == [f"photo{i}-k{k}" for i in (2, 3) for k in range(2)]
    assert {s.record["background"] for s in samples.values()} <= {"b3.png", "b4.png", "b5.png"}
    assert main([*arguments, "--out", str(out), "--resume"]) == 1


def test_a_sample_does_not_depend_on_the_other_foregrounds(
    arguments: list[str], finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "one"
    assert main([*arguments, "--out", str(out), "--limit", "1"]) == 0
    few, all_of_them = samples_of(out), samples_of(finished)
    assert sorted(few) == ["photo0-k0", "photo0-k1"]
    for key, sample in few.items():
        assert sample.record == all_of_them[key].record
        np.testing.assert_array_equal(sample.composite, all_of_them[key].composite)


def test_original_route_keeps_the_photographs(foregrounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    common = ["--foregrounds", str(foregrounds), "--workers", "1", "--quiet", "--format", "png"]
    assert main([*common, "--route", "original", "--out", str(out)]) == 0
    samples = samples_of(out)
    assert sorted(samples) == [f"photo{i}-k0" for i in range(4)]
    for i in range(4):
        sample = samples[f"photo{i}-k0"]
        photograph = read_rgb(foregrounds / "original" / f"photo{i}.png")
        np.testing.assert_array_equal(sample.composite, photograph)
        again = blend(sample.alpha, sample.foreground, sample.background)
        assert np.abs(again.astype(int) - photograph).mean() < 1
        assert sample.record["background"] is None


def test_denoised_images_are_computed_once_and_cached(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []

    def halve(
        image: np.ndarray, sigma: float, backend: str, threads: int, device: str
    ) -> np.ndarray:
        assert (sigma, backend, threads, device) == (7, "bm3d", 1, "cpu")
        seen.append(image.shape)
        return image // 2

    monkeypatch.setattr(denoising, "denoise", halve)
    (tmp_path / "route.yaml").write_text("denoise_probability: 1\ndenoise_sigma: 7\nk: 4\n")
    out = tmp_path / "out"
    assert main([*arguments, "--denoiser", "bm3d", "--out", str(out)]) == 0
    assert len(seen) == 4 + 6  # four foregrounds, six backgrounds, sixteen samples
    assert all(sample.record["denoise"]["sigma"] == 7 for sample in samples_of(out).values())


def test_full_disk_is_told_and_a_resume_finishes(
    arguments: list[str],
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, original = tmp_path / "out", composition.encode_sample

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(composition, "encode_sample", full)
    assert main([*arguments, "--out", str(out)]) == 2
    assert "the disk is full; make room" in capsys.readouterr().err
    assert list(out.glob("*.tar*")) == []
    monkeypatch.setattr(composition, "encode_sample", original)
    assert main([*arguments, "--out", str(out), "--resume"]) == 0
    assert contents(out) == contents(finished)


def test_an_error_that_nobody_foresaw_does_not_stop_the_build(
    arguments: list[str], foregrounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = preparation.read_source

    def surprise(source: object, shorter_side: int | None) -> object:
        if getattr(source, "id", "") == "photo2":
            raise RuntimeError("nobody thought of this")
        return original(source, shorter_side)

    monkeypatch.setattr(preparation, "read_source", surprise)
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    (failure,) = Manifest.read(tmp_path / "out").failures
    assert failure == "original/photo2.png: RuntimeError: nobody thought of this"


@pytest.mark.parametrize("extend", [False, True])
def test_hidden_colours_of_cutouts_are_continued_on_request(
    extend: bool, backgrounds: Path, tmp_path: Path
) -> None:
    alpha, colours = draw_disc(), np.full((48, 64, 3), (200, 40, 30), np.uint8)
    colours[alpha == 0] = (0, 0, 255)
    for name, write, pixels in (("fg", write_rgb, colours), ("alpha", write_alpha, alpha)):
        (tmp_path / "cutouts" / name).mkdir(parents=True)
        write(tmp_path / "cutouts" / name / "disc.png", pixels)
    assert not main(
        [
            *("--foregrounds", str(tmp_path / "cutouts"), "--backgrounds", str(backgrounds)),
            *("--out", str(tmp_path / "out"), "--route", "bg20k", "--format", "png", "--k", "1"),
            *("--workers", "1", "--quiet", *(["--extend"] if extend else [])),
        ]
    )
    (sample,) = samples_of(tmp_path / "out").values()
    continued = np.broadcast_to(np.array((200, 40, 30)), colours.shape)
    np.testing.assert_allclose(sample.foreground, continued if extend else colours, atol=2)


@pytest.mark.integration
def test_ray_gives_the_same_bytes(arguments: list[str], finished: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    assert main([*arguments, "--executor", "ray", "--out", str(tmp_path / "ray")]) == 0
    assert contents(tmp_path / "ray") == contents(finished)


@pytest.mark.integration
def test_import_loads_nothing_heavy() -> None:
    code = "import sys, rssn; print(sorted({'numpy', 'cv2', 'numba'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
