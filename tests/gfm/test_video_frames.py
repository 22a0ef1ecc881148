"""`gfm matte clip.mp4 --out frames/`."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from clips import matte, write_clip
from tiny import COUNT, HEIGHT, WIDTH, clip_frame, clip_frames, shared

import gfm
from gfm.__main__ import main
from gfm.video.clip import open_clip
from rssn.imaging.reading import read_alpha, read_rgba


def test_folder_gets_every_frame(clip, model_file, tmp_path):
    out = tmp_path / "frames"
    assert matte(clip, "--model", model_file, "--out", out, "--smooth", 0) == 0
    names = [f"{number:06d}.png" for number in range(1, COUNT + 1)]
    for kind in ("alpha", "rgba", "trimap"):
        assert sorted(path.name for path in (out / kind).iterdir()) == names
    pixels = [each.pixels for each in open_clip(clip).frames()][3]
    wanted = gfm.matte(pixels, shared())
    colours, alpha = read_rgba(out / "rgba" / "000004.png")
    np.testing.assert_array_equal(colours, wanted.foreground)
    np.testing.assert_allclose(alpha, wanted.alpha, atol=0.502 / 255)


def test_what_is_there_is_skipped_on_request(clip, model_file, tmp_path):
    out = tmp_path / "frames"
    given = (clip, "--model", model_file, "--out", out, "--outputs", "alpha")
    assert matte(*given) == 0
    (out / "alpha" / "000002.png").write_bytes(b"kept")
    (out / "alpha" / "000005.png").unlink()
    assert matte(*given, "--existing", "skip") == 0
    assert (out / "alpha" / "000002.png").read_bytes() == b"kept"
    assert read_alpha(out / "alpha" / "000005.png").shape == (HEIGHT, WIDTH)
    assert matte(*given) == 0
    assert (out / "alpha" / "000002.png").read_bytes() != b"kept"


def test_progress_tells_frames_and_rate(clip, model_file, tmp_path, capsys):
    given = ("matte", clip, "--model", model_file, "--out", tmp_path / "frames")
    assert main([*map(str, given), "--outputs", "alpha"]) == 0
    told = capsys.readouterr().err
    assert f"Matte: {COUNT}/{COUNT}, " in told and "/s" in told


def test_cut_clip_is_done_as_far_as_it_goes(model_file, tmp_path, capsys):
    data = write_clip(tmp_path / "whole.avi", clip_frames(60, 32, 32)).read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    out = tmp_path / "frames"
    code = matte(tmp_path / "cut.avi", "--model", model_file, "--out", out, "--outputs", "alpha")
    done = len(list((out / "alpha").iterdir()))
    assert code == 1 and 15 < done < 45
    assert f"cut.avi: ends after {done} frames, " in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"text"], ids=["missing", "empty", "text"])
def test_bad_clip_is_exit_1_and_one_line(content, model_file, tmp_path, capfd):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    assert matte(path, "--model", model_file, "--out", tmp_path / "out") == 1
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"failed: {path}: ")


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (("clip.avi", "photograph.png"), (), "is a video, which is matted by itself"),
        (("clip.avi",), ("--smooth", 1.5), "smoothing=1.5: 0 (none) or more"),
        (("photograph.png",), ("--smooth", 0.5), "--smooth is for a video"),
        (("clip.avi",), ("--refine", "guided"), "frames of a video are not refined"),
        (("clip.avi",), ("--out", "-"), "--out - takes photographs"),
        (("clip.avi",), ("--out", "x.mkv"), "movies are written as .mov, .webm, .mp4"),
        (("photograph.png",), ("--out", "x.mov"), "is a movie, which is made from a video"),
    ],
)
def test_wrong_usage_is_exit_2(inputs, options, message, clip, model_file, tmp_path, capsys):
    given = [tmp_path / name for name in inputs]
    code = matte(*given, "--model", model_file, "--out", tmp_path / "frames", *options)
    lines = capsys.readouterr().err.strip().splitlines()
    assert code == 2 and len(lines) == 1 and message in lines[0]


def test_folder_that_is_called_like_a_video(model_file, tmp_path):
    folder = tmp_path / "x.mp4"
    folder.mkdir()
    cv2.imwrite(str(folder / "p.png"), clip_frame(0))
    given = (folder, "--model", model_file, "--out", tmp_path / "out", "--outputs", "alpha")
    assert matte(*given) == 0
    assert (tmp_path / "out" / "alpha" / "p.png").exists()
