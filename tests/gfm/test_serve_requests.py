"""The requests of docs/serve.md, sent to a running server as they stand there."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from documents import ROOT, blocks
from server_process import serving
from tiny import draw_photograph

from rssn.imaging.reading import read_pixels, read_rgba
from rssn.imaging.writing import write_alpha, write_rgb

pytestmark = pytest.mark.integration

PAGE = ROOT / "docs/serve.md"
HEIGHT, WIDTH = 240, 360
USUAL = "127.0.0.1:8000"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_requests_of_the_page_run(tmp_path, monkeypatch, model_file):
    monkeypatch.chdir(tmp_path)
    photograph = draw_photograph(1, HEIGHT, WIDTH)
    write_rgb(tmp_path / "photo.jpg", photograph)
    trimap = photograph[..., 0] * 0.0
    trimap[:, 120:], trimap[:, 240:] = 128 / 255, 1
    write_alpha(tmp_path / "trimap.png", trimap)
    shell = "\n".join(b.text for b in blocks(PAGE, "sh") if b.text.startswith("curl"))
    (program,) = blocks(PAGE, "python")
    assert shell.count("curl") == 2 and USUAL in shell and USUAL in program.text
    with serving(model_file) as server:
        here = f"127.0.0.1:{server.port}"
        command = ["bash", "-ec", shell.replace(USUAL, here).replace("curl ", "curl -fsS ")]
        subprocess.run(command, check=True)
        alpha = read_pixels(tmp_path / "alpha.png")
        assert (alpha[:, :120] == 0).all() and (alpha[:, 240:] == 255).all()
        (tmp_path / "cutout.png").rename(tmp_path / "first.png")
        exec(compile(program.text.replace(USUAL, here), str(program), "exec"), {})
    for name in ("first.png", "cutout.png"):
        assert read_rgba(tmp_path / name)[1].shape == (HEIGHT, WIDTH)
    assert read_rgba(tmp_path / "cutout.png")[1][200, 320] == 1  # the click
