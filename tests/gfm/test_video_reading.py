"""Clips are read whole, upright and in time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from clips import BT2020, write_clip, write_sound
from tiny import COUNT, HEIGHT, WIDTH, clip_frame, clip_frames

from gfm.video.clip import Clip, Frame, open_clip, steady
from rssn.imaging.errors import InputError

BT2020_TO_BT709 = [  # of light; ITU-R BT.2087 has its inverse
    [1.6605, -0.5876, -0.0728],
    [-0.1246, 1.1329, -0.0083],
    [-0.0182, -0.1006, 1.1187],
]


def test_frames_come_in_order_and_in_time(clip):
    found = open_clip(clip)
    frames = list(found.frames())
    assert (found.width, found.height, found.count) == (WIDTH, HEIGHT, COUNT)
    assert found.rate == 10 and len(frames) == COUNT
    np.testing.assert_allclose([each.seconds for each in frames], np.arange(COUNT) / 10)
    for number, each in enumerate(frames):
        assert abs(float(each.pixels.mean()) - clip_frame(number).mean()) < 2
        assert each.pixels[..., 0].mean() - each.pixels[..., 2].mean() == pytest.approx(
            clip_frame(number)[..., 0].mean() - clip_frame(number)[..., 2].mean(), abs=3
        )  # red is red


@pytest.mark.parametrize("size", [(33, 47), (96, 127), (17, 128)], ids=str)
def test_odd_sizes(size, tmp_path):
    write_clip(tmp_path / "odd.mkv", clip_frames(2, *size))
    found = open_clip(tmp_path / "odd.mkv")
    assert (found.height, found.width) == size
    assert next(found.frames()).pixels.shape == (*size, 3)


def test_name_that_reads_like_an_address(clip, tmp_path):
    clip.rename(tmp_path / "http:clip.avi")
    assert open_clip(tmp_path / "http:clip.avi").count == COUNT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "is empty \\(0 bytes\\)"),
        (b"no video" * 99, "has no picture that can be read"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n", "has no picture that can be read"),
    ],
    ids=["missing", "empty", "text", "playlist"],
)
def test_what_is_no_video(content, message, tmp_path, capfd):
    path = tmp_path / "x.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"x.mp4: {message}"):
        open_clip(path)
    assert capfd.readouterr().err == ""  # the decoder keeps quiet


def test_sound_alone_is_no_video(tmp_path):
    with pytest.raises(InputError, match="only sound"):
        open_clip(write_sound(tmp_path / "x.mp4"))


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_turned_clips_come_upright(turn, tmp_path):
    upright = clip_frames(1)
    lying = [np.ascontiguousarray(np.rot90(each, -turn // 90)) for each in upright]
    found = open_clip(write_clip(tmp_path / "turned.mp4", lying, turn=turn))
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    pixels = next(found.frames()).pixels
    assert np.abs(pixels.astype(int) - upright[0]).mean() < 2


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_changing_rate_is_made_constant(tmp_path, ending):
    found = open_clip(write_clip(tmp_path / f"changing{ending}", clip_frames(), skip=(1, 3)))
    times = [times for _, times in steady(found.frames(), Fraction(10))]
    assert times == [2, 2, 1, 1]  # of the frames 0, 2, 4 and 5


def test_high_rate_of_a_file_is_measured(clip, monkeypatch):
    monkeypatch.setattr("gfm.video.clip.HIGH_RATE", 5)  # some files tell 1000 and mean their clock
    assert (open_clip(clip).rate, open_clip(clip).count) == (10, COUNT)


def test_wide_colours_become_those_of_the_screen(tmp_path):
    colour = np.array((140, 120, 100), np.uint8)
    frame = np.broadcast_to(colour, (32, 32, 3)).copy()
    clip = open_clip(write_clip(tmp_path / "wide.mkv", [frame], coding=BT2020))
    light = ((colour / 255 + 0.099) / 1.099) ** (1 / 0.45) @ np.transpose(BT2020_TO_BT709)
    wanted = 255 * (1.099 * light**0.45 - 0.099)
    assert np.abs(wanted - colour).max() > 5
    np.testing.assert_allclose(next(clip.frames()).pixels[16, 16], wanted, atol=3)


def test_steady_by_hand():
    blank = np.zeros((1, 1, 3), np.uint8)
    at = [5.0, 5.1, 5.13, 5.4, 5.5]
    times = [times for _, times in steady((Frame(blank, each) for each in at), Fraction(10))]
    assert times == [1, 0, 3, 1, 1]
    still = steady((Frame(blank, 0.0) for _ in range(3)), Fraction(25))
    assert [times for _, times in still] == [1, 1, 1]


def test_cut_clip_is_told_from_a_short_one(tmp_path):
    made = Clip(tmp_path / "c.mp4", 8, 8, Fraction(10), 100)
    assert made.lack(100, 9.9) is None and made.lack(99, 9.8) is None
    assert made.lack(40, 9.9) is None  # at a changing rate
    assert "ends after 50 frames, 5.1 s too early" in made.lack(50, 4.9)
