"""`gfm matte` and `scripts/infer.py`: files out, and the exit code that fits."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from tiny import draw_photograph, shared

import gfm
from gfm.__main__ import main
from gfm.checkpoints import packaged
from gfm.checkpoints.files import save_model
from rssn.imaging.reading import read_alpha, read_rgb, read_rgba
from rssn.imaging.writing import write_rgb


@pytest.fixture
def model_file(tmp_path) -> str:
    save_model(shared(), tmp_path / "m.safetensors")
    return str(tmp_path / "m.safetensors")


@pytest.fixture
def photographs(tmp_path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name in ("a", "b"):
        write_rgb(folder / f"{name}.png", draw_photograph(ord(name), 96, 128))
    return folder


def matte(*arguments: object) -> int:
    return main(["matte", "--quiet", *map(str, arguments)])


def test_folder_gives_alpha_rgba_and_trimap(photographs, model_file, tmp_path):
    out = tmp_path / "out"
    assert matte(photographs, "--model", model_file, "--out", out, "--foreground", "none") == 0
    for kind in ("alpha", "rgba", "trimap"):
        assert sorted(path.name for path in (out / kind).iterdir()) == ["a.png", "b.png"]
    wanted = gfm.matte(photographs / "a.png", shared(), foreground="none")
    levels = np.rint(wanted.alpha * 255) / 255
    np.testing.assert_allclose(read_alpha(out / "alpha" / "a.png"), levels, atol=1e-6)
    colours, alpha = read_rgba(out / "rgba" / "a.png")
    np.testing.assert_array_equal(colours, wanted.foreground)
    np.testing.assert_allclose(alpha, levels, atol=1e-6)
    trimap = read_rgb(out / "trimap" / "a.png")[..., 0]
    np.testing.assert_array_equal(trimap, np.array([0, 128, 255])[wanted.trimap])


def test_options_reach_the_matting(photographs, model_file, tmp_path):
    given = (photographs / "b.png", "--model", model_file, "--foreground", "none")
    assert matte(*given, "--out", tmp_path / "out", "--strategy", "resize", "--d2", 1.5) == 0
    options = {"strategy": "resize", "d2": 1.5, "foreground": "none"}
    wanted = gfm.matte(photographs / "b.png", shared(), **options).alpha
    made = read_alpha(tmp_path / "out" / "alpha" / "b.png")
    np.testing.assert_allclose(made, wanted, atol=0.502 / 255)


def test_bad_photographs_are_named_and_the_rest_is_done(photographs, model_file, tmp_path, capsys):
    (photographs / "c.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("")
    missing = tmp_path / "missing"
    out = tmp_path / "out"
    assert (
        matte(photographs, tmp_path / "notes.txt", missing, "--model", model_file, "--out", out)
        == 1
    )
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"failed: {tmp_path / 'notes.txt'}: is no image; wanted .bmp")
    assert lines[1] == f"failed: {missing}: no such file or folder; check the path"
    assert lines[2].startswith(f"failed: {photographs / 'c.png'}: is not an image")
    assert sorted(path.name for path in (out / "rgba").iterdir()) == ["a.png", "b.png"]


def test_photograph_that_is_named_twice_is_done_once(photographs, model_file, tmp_path, capsys):
    given = (photographs, photographs / "a.png", "--model", model_file, "--out", tmp_path / "out")
    assert main(["matte", *map(str, given)]) == 0
    assert "Matte: 2/2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--d1", 0.5), "error: d1=0.5: a reduction is 1 or more"),
        (("--model", "none.safetensors"), "error: none.safetensors: no such model"),
        (("--device", "gpu"), "error: device='gpu' is not known"),
        (("--out", __file__), f"error: --out {__file__}: no folder can be made there"),
    ],
    ids=["reduction", "model", "device", "out"],
)
def test_wrong_usage_is_exit_2(options, message, photographs, model_file, tmp_path, capsys):
    given = (photographs, "--model", model_file, "--out", tmp_path / "out")
    assert matte(*given, *options) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith(message)


def test_two_photographs_with_one_name_are_refused(photographs, model_file, tmp_path, capsys):
    write_rgb(photographs / "a.jpg", draw_photograph(0))
    assert matte(photographs, "--model", model_file, "--out", tmp_path / "out") == 2
    assert "results named a" in capsys.readouterr().err


def test_parser_refuses_what_it_does_not_know(capsys):
    for arguments in ([], ["matte"], ["unknown"], ["matte", "x.png", "--strategy", "best"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "choose from" in capsys.readouterr().err


@pytest.mark.integration
def test_script_is_the_same_command(photographs, model_file, tmp_path):
    root = Path(__file__).parents[2]
    command = [sys.executable, root / "scripts" / "infer.py", photographs, "--model", model_file]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "out"), "--foreground", "none", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(p.name for p in (tmp_path / "out" / "alpha").iterdir()) == ["a.png", "b.png"]


class TestFilesAndStreams:
    def test_all_outputs_in_another_format(self, photographs, model_file, tmp_path):
        options = ("--outputs", "alpha,rgba,trimap,foreground,composite,overlay", "--bits", 16)
        given = (photographs / "a.png", "--model", model_file, "--out", tmp_path / "out")
        assert matte(*given, *options, "--format", "tiff", "--background", "#ff0000") == 0
        made = gfm.matte(photographs / "a.png", shared())
        read = {p.name: read_any(p / "a.tiff") for p in (tmp_path / "out").iterdir()}
        assert read["alpha"].dtype == np.uint16
        np.testing.assert_allclose(read["alpha"] / 65535, made.alpha, atol=1e-5)
        np.testing.assert_array_equal(read["rgba"], made.rgba)
        np.testing.assert_array_equal(read["foreground"], made.foreground)
        np.testing.assert_array_equal(read["composite"], made.on((255, 0, 0)))
        np.testing.assert_array_equal(read["trimap"] // 127, made.trimap)
        assert read["overlay"].shape == (96, 128, 3)

    def test_profile_goes_with_the_colours(self, photographs, model_file, tmp_path):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        image = Image.fromarray(draw_photograph(1, 96, 128))
        image.save(photographs / "p.jpg", icc_profile=profile)
        given = (photographs / "p.jpg", "--model", model_file, "--out", tmp_path / "out")
        assert matte(*given, "--format", "webp") == 0
        assert Image.open(tmp_path / "out" / "rgba" / "p.webp").info["icc_profile"] == profile
        assert "icc_profile" not in Image.open(tmp_path / "out" / "alpha" / "p.webp").info

    def test_patterns(self, photographs, model_file, tmp_path, capsys):
        pattern = photographs / "[ab].p*"
        given = (pattern, tmp_path / "no*.png", "--model", model_file, "--out", tmp_path / "out")
        assert matte(*given) == 1
        assert sorted(p.name for p in (tmp_path / "out" / "rgba").iterdir()) == ["a.png", "b.png"]
        assert "no*.png: " in capsys.readouterr().err

    def test_existing_results_are_skipped_on_request(self, photographs, model_file, tmp_path):
        out = tmp_path / "out"
        given = (photographs, "--model", model_file, "--out", out, "--outputs", "alpha")
        assert matte(*given) == 0
        (out / "alpha" / "a.png").write_bytes(b"kept")
        (out / "alpha" / "b.png").unlink()
        assert matte(*given, "--existing", "skip") == 0
        assert (out / "alpha" / "a.png").read_bytes() == b"kept"
        assert (out / "alpha" / "b.png").exists()
        assert matte(*given) == 0
        assert (out / "alpha" / "a.png").read_bytes() != b"kept"

    @pytest.mark.integration
    def test_standard_input_and_output(self, photographs, model_file, tmp_path):
        done = subprocess.run(
            [sys.executable, "-m", "gfm", "matte", "-", "--model", model_file, "--out", "-"],
            input=(photographs / "a.png").read_bytes(),
            capture_output=True,
            check=True,
        )
        made = gfm.matte(photographs / "a.png", shared())
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(done.stdout))), made.rgba)
        assert b"device: " in done.stderr and b"Matte: 1/1" in done.stderr

    def test_several_models_and_the_other_options(self, photographs, model_file, tmp_path):
        options = ("--augment", "flip", "--refine", "fusion", "--max-memory", "64GB")
        given = (photographs / "a.png", "--model", model_file, "--model", model_file)
        assert matte(*given, "--out", tmp_path / "out", *options) == 0
        wanted = gfm.matte(photographs / "a.png", shared(), augmentation="flip", refine="fusion")
        made = read_alpha(tmp_path / "out" / "alpha" / "a.png")
        np.testing.assert_allclose(made, wanted.alpha, atol=0.502 / 255)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--outputs", "alpha,matte"), "--outputs='matte' is not supported; choose 'alpha'"),
            (("--outputs", "composite"), "--outputs composite needs --background"),
            (("--background", "#12"), "--background #12: a colour is written '#rrggbb'"),
            (("--format", "webp", "--bits", "16"), "--bits 16 does not fit into WebP"),
            (("--out", "-"), "--out - takes one photograph, not 2; give a folder"),
            (
                ("--out", "-", "--outputs", "alpha,rgba"),
                "--out writes one picture or movie; choose one",
            ),
            (("--max-memory", "much"), "max_memory='much' is no amount of memory"),
            (("--max-memory", "1MB"), None),
        ],
    )
    def test_what_does_not_go_together(
        self, options, message, photographs, model_file, tmp_path, capsys
    ):
        given = (photographs, "--model", model_file, "--out", tmp_path / "out")
        code = matte(*given, *options)
        err = capsys.readouterr().err
        if message is None:  # which of two photographs fit is known one by one
            assert code == 1 and err.count("give at least") == 2
        else:
            assert code == 2 and err.startswith(f"error: {message}")

    def test_no_model_takes_that_of_the_package(self, photographs, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr(packaged, "FOLDER", tmp_path)
        assert matte(photographs, "--out", tmp_path / "out") == 2
        assert "none comes with this installation" in capsys.readouterr().err
        save_model(shared(), tmp_path / "lite.safetensors")
        assert matte(photographs, "--out", tmp_path / "out") == 0
        assert len(list((tmp_path / "out" / "alpha").iterdir())) == 2


def read_any(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))
