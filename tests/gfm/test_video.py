"""Clips: read whole and in time, steadied where nothing moves, written with sound and alpha."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny import draw_photograph, shared

import gfm
from gfm.__main__ import main
from gfm.models.glance_focus.passes import Maps
from gfm.models.glance_focus.smoothing import MapMemory
from gfm.video import matte_frames
from gfm.video.clip import Clip, Frame, open_clip, steady
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha, read_rgb, read_rgba

# The writer of OpenCV, which only these tests use, starts its decoder, which reads this once.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

needs_ffmpeg = pytest.mark.skipif(
    not (shutil.which("ffmpeg") and shutil.which("ffprobe")),
    reason="ffmpeg is not there: movies and sound are left out",
)
HEIGHT, WIDTH, COUNT = 96, 128, 6


def frame(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A picture whose brightness tells its number."""
    return (draw_photograph(3, height, width) // 2 + 20 * (number % COUNT)).astype(np.uint8)


def write_clip(path: Path, count: int = COUNT, height: int = HEIGHT, width: int = WIDTH) -> Path:
    """A clip of `frame`s by OpenCV, 10 a second, as MJPEG."""
    code = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 10, (width, height))
    for number in range(count):
        writer.write(np.ascontiguousarray(frame(number, height, width)[..., ::-1]))
    writer.release()
    return path


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def cropped(height: int, width: int, more: str = "") -> tuple[str, ...]:
    """Options that cut a picture to a size, which OpenCV would round to even numbers."""
    return ("-vf", f"format=yuv444p,crop={width}:{height}{more}", "-c:v", "ffv1")


def streams(path: Path) -> dict[str, dict]:
    """Entries of ffprobe for the first stream of each kind, frames counted."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["streams"]
    return {each["codec_type"]: each for each in reversed(told)}


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.avi")


def matte(*arguments: object) -> int:
    return main(["matte", "--quiet", *map(str, arguments)])


class TestReading:
    def test_frames_come_in_order_and_in_time(self, clip):
        found = open_clip(clip)
        frames = list(found.frames())
        assert (found.width, found.height, found.count) == (WIDTH, HEIGHT, COUNT)
        assert found.rate == 10 and len(frames) == COUNT
        np.testing.assert_allclose([each.seconds for each in frames], np.arange(COUNT) / 10)
        for number, each in enumerate(frames):
            assert abs(float(each.pixels.mean()) - frame(number).mean()) < 2
            assert each.pixels[..., 0].mean() - each.pixels[..., 2].mean() == pytest.approx(
                frame(number)[..., 0].mean() - frame(number)[..., 2].mean(), abs=3
            )  # red is red

    @needs_ffmpeg
    @pytest.mark.parametrize("size", [(33, 47), (96, 127), (17, 128)], ids=str)
    def test_odd_sizes(self, size, clip, tmp_path):
        ffmpeg("-i", clip, *cropped(*size), tmp_path / "odd.mkv")
        found = open_clip(tmp_path / "odd.mkv")
        assert (found.height, found.width) == size
        assert next(found.frames()).pixels.shape == (*size, 3)

    def test_name_that_reads_like_an_address(self, tmp_path):
        write_clip(tmp_path / "c.avi").rename(tmp_path / "http:clip.avi")
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
    def test_what_is_no_video(self, content, message, tmp_path, capfd):
        path = tmp_path / "x.mp4"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=f"x.mp4: {message}"):
            open_clip(path)
        assert capfd.readouterr().err == ""  # the decoder keeps quiet

    @needs_ffmpeg
    def test_sound_alone_is_no_video(self, tmp_path):
        ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", tmp_path / "x.mp4")
        with pytest.raises(InputError, match="only sound"):
            open_clip(tmp_path / "x.mp4")

    @needs_ffmpeg
    def test_turned_clips_come_upright(self, clip, tmp_path):
        ffmpeg("-i", clip, tmp_path / "flat.mp4")
        turn = ("-c", "copy", "-metadata:s:v", "rotate=90")
        ffmpeg("-i", tmp_path / "flat.mp4", *turn, tmp_path / "turned.mp4")
        found = open_clip(tmp_path / "turned.mp4")
        assert (found.width, found.height) == (HEIGHT, WIDTH)

    @needs_ffmpeg
    @pytest.mark.parametrize("ending", [".mp4", ".webm"])
    def test_changing_rate_is_made_constant(self, clip, tmp_path, ending):
        path = tmp_path / f"changing{ending}"
        ffmpeg("-i", clip, "-vf", "select='not(eq(n,1)+eq(n,3))'", "-vsync", "vfr", path)
        found = open_clip(path)
        times = [times for _, times in steady(found.frames(), Fraction(10))]
        assert times == [2, 2, 1, 1]  # of the frames 0, 2, 4 and 5

    def test_steady_by_hand(self):
        blank = np.zeros((1, 1, 3), np.uint8)
        at = [5.0, 5.1, 5.13, 5.4, 5.5]
        times = [times for _, times in steady((Frame(blank, each) for each in at), Fraction(10))]
        assert times == [1, 0, 3, 1, 1]
        still = steady((Frame(blank, 0.0) for _ in range(3)), Fraction(25))
        assert [times for _, times in still] == [1, 1, 1]

    def test_cut_clip_is_told_from_a_short_one(self, tmp_path):
        made = Clip(tmp_path / "c.mp4", 8, 8, Fraction(10), 100)
        assert made.lack(100, 9.9) is None and made.lack(99, 9.8) is None
        assert made.lack(40, 9.9) is None  # at a changing rate
        assert "ends after 50 frames, 5.1 s too early" in made.lack(50, 4.9)


class FlickeringModel:
    """The object is more likely than not, and every second time a little less likely."""

    system = "glance_focus"
    training = False
    device = "cpu"
    config = gfm.GFMConfig("timm:test_resnet", "TT")

    def __init__(self) -> None:
        self.calls = 0

    def run(self, inputs, outputs):
        plane = np.ones_like(inputs["image"][:, :1])
        if tuple(outputs) == ("focus",):
            return [plane / 2]
        self.calls += 1
        inside = plane * np.float32(0.6 if self.calls % 2 else 0.45)
        return [np.concatenate([1 - inside, 0 * inside, inside], axis=1)]


def planes(channels: int, side: int, level: float) -> np.ndarray:
    return np.full((1, channels, side, side), level, np.float32)


class TestSmoothing:
    def test_first_frame_is_that_of_the_photograph(self):
        found = next(matte_frames([frame(0)], shared(), smoothing=0.9))
        wanted = gfm.matte(frame(0), shared(), foreground="none")
        np.testing.assert_array_equal(found.alpha, wanted.alpha)
        np.testing.assert_array_equal(found.trimap, wanted.trimap)

    def test_without_it_frames_are_photographs(self):
        for number, found in enumerate(matte_frames(map(frame, range(3)), shared(), smoothing=0)):
            wanted = gfm.matte(frame(number), shared(), foreground="none")
            np.testing.assert_array_equal(found.alpha, wanted.alpha)

    def test_still_picture_does_not_flicker(self):
        still = [frame(0)] * 8
        plain = [each.alpha.mean() for each in matte_frames(still, FlickeringModel(), smoothing=0)]
        assert plain == [1, 0] * 4
        found = matte_frames(still, FlickeringModel(), smoothing=0.7)
        assert [each.alpha.mean() for each in found] == [1] * 8

    def test_mixture_by_hand(self):
        memory = MapMemory(0.75)
        grey = np.full((32, 32, 3), 100, np.uint8)
        values = []
        for level, picture in ((1.0, grey), (0.0, grey), (0.0, grey + 10), (0.0, grey + 80)):
            maps = Maps(planes(2, 32, level), planes(1, 32, 0), "FT")
            values.append(float(memory.smooth([maps], picture)[0].glance.mean()))
        part = 0.75 * (1 - 10 / 25.5)  # of a picture that changed by 10 of 255, tolerance 25.5
        np.testing.assert_allclose(values, [1, 0.75, 0.75 * part, 0], atol=1e-6)

    def test_only_what_moved_is_new(self):
        memory = MapMemory(0.9)
        before, now = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
        now[:, 32:] = 200
        for level, picture in ((1.0, before), (0.0, now)):
            maps = Maps(planes(2, 64, level), planes(1, 64, 0), "FT")
            glance = memory.smooth([maps], picture)[0].glance[0, 0]
        np.testing.assert_allclose(glance[:, :29], 0.9, atol=1e-6)
        np.testing.assert_array_equal(glance[:, 35:], 0)

    @pytest.mark.parametrize(
        ("smoothing", "message"),
        [
            (1.0, "smoothing=1.0: 0 .none. or more, and below 1"),
            (-0.1, "smoothing=-0.1"),
            (float("nan"), "smoothing=nan"),
        ],
    )
    def test_parts_out_of_range_are_refused(self, smoothing, message):
        with pytest.raises(InputError, match=message):
            matte_frames([frame(0)], shared(), smoothing=smoothing)

    @pytest.mark.parametrize(("rosta", "strategy"), [("RIM", "hybrid"), ("TT", "resize")])
    def test_finished_mattes_are_steadied(self, rosta, strategy):
        model, options = shared("timm:test_resnet", rosta), gfm.MatteOptions(strategy)
        rng = np.random.default_rng(0)
        grainy = [
            (frame(0) + rng.integers(0, 9, frame(0).shape)).astype(np.uint8) for _ in range(6)
        ]

        def flicker(smoothing):
            found = [each.alpha for each in matte_frames(grainy, model, options, smoothing)]
            return np.abs(np.diff(found, axis=0)).mean()

        assert flicker(0.7) < flicker(0) / 1.5

    def test_frames_of_two_sizes_are_refused(self):
        with pytest.raises(InputError, match="a frame has 64x48 pixels, those before it 128x96"):
            list(matte_frames([frame(0), frame(0, 48, 64)], shared()))


class TestFrames:
    def test_folder_gets_every_frame(self, clip, model_file, tmp_path):
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

    def test_what_is_there_is_skipped_on_request(self, clip, model_file, tmp_path):
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

    def test_frames_need_no_ffmpeg(self, clip, model_file, tmp_path, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda program: None)
        out = tmp_path / "frames"
        assert matte(clip, "--model", model_file, "--out", out, "--outputs", "trimap") == 0
        assert len(list((out / "trimap").iterdir())) == COUNT

    def test_progress_tells_frames_and_rate(self, clip, model_file, tmp_path, capsys):
        given = ("matte", clip, "--model", model_file, "--out", tmp_path / "frames")
        assert main([*map(str, given), "--outputs", "alpha"]) == 0
        told = capsys.readouterr().err
        assert f"Matte: {COUNT}/{COUNT}, " in told and "/s" in told

    def test_cut_clip_is_done_as_far_as_it_goes(self, model_file, tmp_path, capsys):
        data = write_clip(tmp_path / "whole.avi", 60, 32, 32).read_bytes()
        (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
        out = tmp_path / "frames"
        code = matte(
            tmp_path / "cut.avi", "--model", model_file, "--out", out, "--outputs", "alpha"
        )
        done = len(list((out / "alpha").iterdir()))
        assert code == 1 and 15 < done < 45
        assert f"cut.avi: ends after {done} frames, " in capsys.readouterr().err

    @pytest.mark.parametrize("content", [None, b"", b"text"], ids=["missing", "empty", "text"])
    def test_bad_clip_is_exit_1_and_one_line(self, content, model_file, tmp_path, capfd):
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
    def test_wrong_usage_is_exit_2(
        self, inputs, options, message, clip, model_file, tmp_path, capsys
    ):
        given = [tmp_path / name for name in inputs]
        code = matte(*given, "--model", model_file, "--out", tmp_path / "frames", *options)
        lines = capsys.readouterr().err.strip().splitlines()
        assert code == 2 and len(lines) == 1 and message in lines[0]

    def test_folder_that_is_called_like_a_video(self, model_file, tmp_path):
        folder = tmp_path / "x.mp4"
        folder.mkdir()
        cv2.imwrite(str(folder / "p.png"), frame(0))
        given = (folder, "--model", model_file, "--out", tmp_path / "out", "--outputs", "alpha")
        assert matte(*given) == 0
        assert (tmp_path / "out" / "alpha" / "p.png").exists()


@needs_ffmpeg
class TestMovies:
    @pytest.fixture
    def loud(self, clip, tmp_path) -> Path:
        """The clip with a tone, its colours coded as in HD."""
        tone = ("-f", "lavfi", "-i", "sine=440:d=0.6")
        colours = ("-vf", "scale=out_color_matrix=bt709,format=yuv444p", "-colorspace", "bt709")
        ffmpeg("-i", clip, *tone, *colours, "-crf", 1, tmp_path / "loud.mp4")
        return tmp_path / "loud.mp4"

    @pytest.mark.parametrize(
        ("ending", "video", "audio"), [(".mov", "prores", "aac"), (".webm", "vp9", "opus")]
    )
    def test_movie_has_alpha_colours_and_sound(
        self, ending, video, audio, loud, model_file, tmp_path
    ):
        out = tmp_path / f"out{ending}"
        assert matte(loud, "--model", model_file, "--out", out) == 0
        told = streams(out)
        assert told["video"]["codec_name"] == video and told["audio"]["codec_name"] == audio
        assert int(told["video"]["nb_read_frames"]) == COUNT
        assert told["video"]["color_space"] == "bt709"
        decoder = ("-c:v", "libvpx-vp9") if ending == ".webm" else ()
        ffmpeg(*decoder, "-i", out, "-pix_fmt", "rgba", tmp_path / "%d.png")
        pixels = [each.pixels for each in open_clip(loud).frames()]
        for number, found in enumerate(matte_frames(pixels, shared()), 1):
            colours, alpha = read_rgba(tmp_path / f"{number}.png")
            assert np.abs(alpha - found.alpha).mean() < (0.02 if ending == ".webm" else 0.004)
            sure = found.alpha > 0.999
            assert sure.any()
            difference = np.abs(colours[sure].astype(int) - found.pixels[sure])
            assert difference.mean() < (4 if ending == ".webm" else 1)

    def test_mp4_shows_a_composite(self, loud, model_file, tmp_path):
        out, options = tmp_path / "out.mp4", ("--outputs", "composite", "--background", "#00ff00")
        assert matte(loud, "--model", model_file, "--out", out, *options) == 0
        assert streams(out)["video"]["codec_name"] == "h264"
        found = [each.pixels.astype(int) for each in open_clip(out).frames()]
        assert len(found) == COUNT
        pixels = next(open_clip(loud).frames()).pixels
        wanted = gfm.matte(pixels, shared()).on((0, 255, 0))
        assert np.abs(found[0] - wanted).mean() < 4

    def test_alpha_is_grey_from_black_to_white(self, model_file, tmp_path):
        from gfm.video.movie import CONTAINERS, MovieWriter

        made = Clip(tmp_path / "none.mp4", 256, 32, Fraction(10), None)
        ramp = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
        with MovieWriter(tmp_path / "ramp.mov", CONTAINERS[".mov"], made) as movie:
            movie.write(ramp, 3)
        ffmpeg("-i", tmp_path / "ramp.mov", tmp_path / "%d.png")
        assert len(list(tmp_path.glob("?.png"))) == 3
        assert np.abs(read_rgb(tmp_path / "1.png")[..., 0].astype(int) - ramp).max() <= 2

    def test_odd_sizes_and_changing_rate(self, clip, model_file, tmp_path):
        dropped = cropped(33, 47, ",select='not(eq(n,2))'")
        ffmpeg("-i", clip, *dropped, "-vsync", "vfr", tmp_path / "odd.mkv")
        for ending, size in ((".mov", (33, 47)), (".mp4", (34, 48))):
            out = tmp_path / f"out{ending}"
            given = (tmp_path / "odd.mkv", "--model", model_file, "--out", out)
            assert matte(*given, "--outputs", "alpha") == 0
            told = streams(out)["video"]
            assert (told["height"], told["width"]) == size
            assert float(Fraction(told["duration"])) == pytest.approx(0.6, abs=0.13)

    def test_sound_before_the_first_picture_is_left_out(self, loud, model_file, tmp_path):
        late, out = tmp_path / "late.mp4", tmp_path / "out.mov"
        both = ("-itsoffset", 0.3, "-i", loud, "-i", loud, "-map", "0:v", "-map", "1:a")
        ffmpeg(*both, "-c", "copy", late)
        assert float(streams(late)["video"]["start_time"]) == pytest.approx(0.3, abs=0.01)
        assert matte(late, "--model", model_file, "--out", out, "--outputs", "trimap") == 0
        told = streams(out)
        assert float(told["video"]["duration"]) == pytest.approx(0.6, abs=0.01)
        assert float(told["audio"]["duration"]) == pytest.approx(0.3, abs=0.06)

    def test_existing_movie_is_skipped_or_replaced(self, clip, model_file, tmp_path):
        out = tmp_path / "out.mov"
        out.write_bytes(b"kept")
        given = (clip, "--model", model_file, "--out", out)
        assert matte(*given, "--existing", "skip") == 0 and out.read_bytes() == b"kept"
        assert matte(*given) == 0 and streams(out)["video"]["codec_name"] == "prores"
        assert not list(tmp_path.glob("*.part"))

    def test_movie_that_cannot_be_written_leaves_nothing(self, clip, model_file, tmp_path, capsys):
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
    def test_what_movies_do_not_take(self, options, message, clip, model_file, tmp_path, capsys):
        assert matte(clip, "--model", model_file, *options) == 2
        assert message in capsys.readouterr().err


def test_movie_without_ffmpeg_says_what_to_do(clip, model_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    assert matte(clip, "--model", model_file, "--out", tmp_path / "out.mov") == 2
    told = capsys.readouterr().err
    assert "needs ffmpeg, which is not there; install ffmpeg" in told and "give a folder" in told
