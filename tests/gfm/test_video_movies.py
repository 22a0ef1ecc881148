"""`gfm matte clip.mp4 --out clip_alpha.mov`: movies with alpha and sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import BT709, matte, read_movie, read_sound, streams, write_clip
from tiny import COUNT, HEIGHT, WIDTH, clip_frames, shared

import gfm
from gfm.video import matte_frames
from gfm.video.clip import Clip, open_clip
from gfm.video.formats import CONTAINERS
from gfm.video.movie import open_movie


@pytest.fixture
def loud(tmp_path) -> Path:
    """The clip with a tone, its colours coded as in HD."""
    return write_clip(tmp_path / "loud.mp4", clip_frames(), coding=BT709, sound="aac")


@pytest.mark.parametrize(
    ("ending", "video", "audio"), [(".mov", "prores", "aac"), (".webm", "vp9", "opus")]
)
def test_movie_has_alpha_colours_and_sound(ending, video, audio, loud, model_file, tmp_path):
    out = tmp_path / f"out{ending}"
    assert matte(loud, "--model", model_file, "--out", out) == 0
    told = streams(out)
    assert told["video"]["codec"] == video and told["audio"]["codec"] == audio
    assert told["video"]["packets"] == COUNT and told["video"]["matrix"] == BT709
    assert told["video"]["start"] == 0 and told["audio"]["packets"] > 0.9 * 0.6 * 48_000 / 1024
    pixels = [each.pixels for each in open_clip(loud).frames()]
    frames = read_movie(out)
    assert len(frames) == COUNT
    for frame, found in zip(frames, matte_frames(pixels, shared()), strict=True):
        alpha = frame[..., 3] / 255
        assert np.abs(alpha - found.alpha).mean() < (0.02 if ending == ".webm" else 0.004)
        sure = found.alpha > 0.999
        assert sure.any()
        difference = np.abs(frame[sure][:, :3].astype(int) - found.pixels[sure])
        assert difference.mean() < (4 if ending == ".webm" else 1)


def test_mp4_shows_a_composite(loud, model_file, tmp_path):
    out, options = tmp_path / "out.mp4", ("--outputs", "composite", "--background", "#00ff00")
    assert matte(loud, "--model", model_file, "--out", out, *options) == 0
    assert streams(out)["video"]["codec"] == "h264"
    found = [each.pixels.astype(int) for each in open_clip(out).frames()]
    assert len(found) == COUNT
    pixels = next(open_clip(loud).frames()).pixels
    wanted = gfm.matte(pixels, shared()).on((0, 255, 0))
    assert np.abs(found[0] - wanted).mean() < 4


def test_alpha_is_grey_from_black_to_white(clip, tmp_path):
    made = Clip(clip, 256, 32, Fraction(10), None)
    ramp = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
    with open_movie(tmp_path / "ramp.mov", CONTAINERS[".mov"], made) as append:
        append(ramp, 3)
    frames = read_movie(tmp_path / "ramp.mov", "rgb24")
    assert len(frames) == 3
    assert np.abs(frames[0][..., 0].astype(int) - ramp).max() <= 2


def test_odd_sizes_and_changing_rate(model_file, tmp_path):
    clip = write_clip(tmp_path / "odd.mkv", clip_frames(COUNT, 33, 47), skip=(2,))
    for ending, size in ((".mov", (33, 47)), (".mp4", (34, 48))):
        out = tmp_path / f"out{ending}"
        assert matte(clip, "--model", model_file, "--out", out, "--outputs", "alpha") == 0
        told = streams(out)["video"]
        assert told["size"] == size
        assert told["seconds"] == pytest.approx(0.6, abs=0.13)


def test_sound_before_the_first_picture_is_left_out(model_file, tmp_path):
    out = tmp_path / "out.mov"
    late = write_clip(tmp_path / "late.mp4", clip_frames(), sound="aac", start=0.3)
    assert streams(late)["video"]["start"] == pytest.approx(0.3, abs=0.01)
    assert matte(late, "--model", model_file, "--out", out, "--outputs", "trimap") == 0
    told = streams(out)
    assert told["video"]["seconds"] == pytest.approx(0.6, abs=0.01)
    assert told["audio"]["seconds"] == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("ending", [".mov", ".webm", ".mp4"])
def test_sound_of_other_codecs_is_encoded(ending, model_file, tmp_path):
    clip = write_clip(tmp_path / "pcm.mkv", clip_frames(), sound="pcm_s16le")  # tells no layout
    out = tmp_path / f"out{ending}"
    assert matte(clip, "--model", model_file, "--out", out, "--outputs", "trimap") == 0
    codecs = {".mov": "pcm_s16le", ".webm": "opus", ".mp4": "aac"}
    assert streams(out)["audio"]["codec"] == codecs[ending]
    heard = read_sound(out)
    assert len(heard) == pytest.approx(0.6 * 48_000, abs=2048)
    tones = np.abs(np.fft.rfft(heard[4800:24000]))
    assert np.argmax(tones) / 0.4 == pytest.approx(440, abs=3)


def test_pixels_that_are_not_square_stay_so(model_file, tmp_path):
    clip = write_clip(tmp_path / "c.mp4", clip_frames(2), turn=90, aspect=Fraction(4, 3))
    out = tmp_path / "out.mov"
    assert matte(clip, "--model", model_file, "--out", out, "--outputs", "trimap") == 0
    told = streams(out)["video"]
    assert told["size"] == (WIDTH, HEIGHT) and told["aspect"] == Fraction(3, 4)


def test_interrupted_movie_leaves_nothing(clip, model_file, tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gfm.video.command.with_colours", interrupt)
    before = set(tmp_path.iterdir())
    assert matte(clip, "--model", model_file, "--out", tmp_path / "out.mov") == 130
    assert set(tmp_path.iterdir()) == before


def test_existing_movie_is_skipped_or_replaced(clip, model_file, tmp_path):
    out = tmp_path / "out.mov"
    out.write_bytes(b"kept")
    given = (clip, "--model", model_file, "--out", out)
    assert matte(*given, "--existing", "skip") == 0 and out.read_bytes() == b"kept"
    assert matte(*given) == 0 and streams(out)["video"]["codec"] == "prores"
    assert not list(tmp_path.glob("*.part"))


def test_movie_that_cannot_be_written_leaves_nothing(clip, model_file, tmp_path, capsys):
    out = tmp_path / "none" / "out.mov"
    assert matte(clip, "--model", model_file, "--out", out) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "cannot be written" in lines[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "x.mp4"), "has no alpha channel; choose .mov or .webm"),
        (("--out", "x.mov", "--outputs", "alpha,rgba"), "choose one of --outputs"),
        (("--out", "x.mov", "--bits", 16), "--bits and --format are for pictures"),
    ],
)
def test_what_movies_do_not_take(options, message, clip, model_file, tmp_path, capsys):
    assert matte(clip, "--model", model_file, *options) == 2
    assert message in capsys.readouterr().err


def test_missing_encoder_is_named(clip, model_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("av.codecs_available", {"aac", "libopus", "prores_ks"})
    given = (clip, "--model", model_file, "--outputs", "alpha", "--out")
    assert matte(*given, tmp_path / "out.mp4") == 2
    assert "libx264" in capsys.readouterr().err
    assert matte(*given, tmp_path / "out.mov") == 0
