"""The page in a browser, on a server with the core and `web` alone: the packaged models, ONNX."""

from __future__ import annotations

import pytest
from browsing import SCREENS, download, needs_browser, open_page, point, settle, upload
from core import core_command
from documents import ROOT
from server_process import serving

from rssn.imaging.reading import read_pixels, read_rgba

pytestmark = [pytest.mark.integration, needs_browser]

PLUSHIE = ROOT / "examples/photographs/plushie.jpg"  # 512x512
GFM = "from gfm.__main__ import main; sys.exit(main(sys.argv[1:]))"


def test_photograph_is_cut_out_and_corrected(browser, tmp_path):
    problems: list[str] = []
    context = browser.new_context(**SCREENS["desktop"])
    with serving("lite", gfm=core_command(GFM, extras=("web",))) as server:
        page = open_page(context, f"http://127.0.0.1:{server.port}", problems)
        upload(page, PLUSHIE)

        def alpha():
            return read_pixels(download(page, "#download-alpha", tmp_path))

        def click(column: int, row: int, button: str) -> None:
            page.evaluate("scrollTo(0, 0)")
            page.mouse.click(*point(page, column, row, 512, 512), button=button)
            settle(page)

        made = alpha()
        body, tail, stone = (240, 320), (160, 160), (72, 248)  # row, column
        assert (made[body], made[tail], made[stone]) == (255, 255, 0)
        click(stone[1], stone[0], "left")
        click(tail[1], tail[0], "right")
        corrected = alpha()
        assert (corrected[body], corrected[tail], corrected[stone]) == (255, 0, 255)
        cutout = read_rgba(download(page, "#download", tmp_path))
        assert abs(cutout[1] * 255 - corrected).max() < 1
        context.close()
    assert problems == []
