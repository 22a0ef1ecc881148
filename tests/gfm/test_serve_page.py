"""The page in a real browser: upload, result, backgrounds, download, a broken file."""

from __future__ import annotations

import shutil
import socket
import threading
import time

import numpy as np
import pytest
import uvicorn
from tiny import draw_photograph, shared

import gfm
from gfm.serve.application import create_app
from gfm.serve.limits import Limits
from rssn.images import read_rgb, read_rgba, write_rgb

playwright = pytest.importorskip(
    "playwright.sync_api", reason="drives a browser; pip install playwright"
)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BROWSER, reason="needs the system's chromium"),
]
PHOTOGRAPH = draw_photograph(1, 180, 240)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(scope="module")
def address():
    app = create_app(shared(), Limits(max_bytes=200_000))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(address, request):
    with playwright.sync_playwright() as driver:
        flags = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=BROWSER, args=flags)
        page = browser.new_page(**request.param)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("request", lambda r: address in r.url or page.problems.append(r.url))
        page.goto(address)
        yield page
        browser.close()


@pytest.fixture
def photograph(tmp_path):
    write_rgb(tmp_path / "photo.png", PHOTOGRAPH)
    return tmp_path / "photo.png"


def downloaded(page, button: str, folder):
    with page.expect_download() as download:
        page.click(button)
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def composite(cutout, background) -> np.ndarray:
    colours, alpha = cutout
    return colours * alpha[..., None] + background * (1 - alpha[..., None])


def test_cuts_out_and_downloads(page, photograph, tmp_path):
    page.set_input_files("#file", photograph)
    page.wait_for_selector("#busy", state="hidden")
    cutout = downloaded(page, "#download", tmp_path)
    assert cutout.name == "photo-cutout.png"
    made = read_rgba(cutout)
    wanted = gfm.matte(PHOTOGRAPH, shared())
    np.testing.assert_allclose(made[1], wanted.alpha, atol=1.6 / 255)

    page.click("text=Trimap")
    trimap = read_rgb(downloaded(page, "#download-mask", tmp_path))[..., 0]
    assert (trimap == np.array([0, 128, 255])[wanted.trimap]).mean() > 0.999

    page.click(".choice >> text=Cut-out")
    page.click("[title=Green]")
    green = downloaded(page, "#download-composite", tmp_path)
    np.testing.assert_allclose(
        read_rgb(green), composite(made, np.array([0, 177, 64])), atol=2
    )  # rounded by the browser

    write_rgb(tmp_path / "flat.png", np.full((50, 90, 3), (10, 90, 200), np.uint8))
    page.set_input_files("#picture", tmp_path / "flat.png")
    page.wait_for_selector("#backdrop", state="visible")
    picture = downloaded(page, "#download-composite", tmp_path)
    np.testing.assert_allclose(read_rgb(picture), composite(made, np.array([10, 90, 200])), atol=2)
    assert page.problems == []


def test_slider_moves_by_keys_and_by_pointer(page, photograph):
    page.set_input_files("#file", photograph)
    page.wait_for_selector("#busy", state="hidden")
    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#split") == "51"
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20)
    page.mouse.up()
    assert page.input_value("#split") == "25"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_broken_and_large_files_are_told(page, photograph, tmp_path):
    (tmp_path / "broken.jpg").write_text("no picture")
    (tmp_path / "large.png").write_bytes(bytes(200_001))
    for name, message in (("broken.jpg", "This is no picture"), ("large.png", "at most 0.2 MB")):
        page.set_input_files("#file", tmp_path / name)
        page.wait_for_selector("#error:visible")
        page.wait_for_selector(f"#error >> text={message}")
        assert page.is_visible("#drop")
    page.set_input_files("#file", photograph)
    page.wait_for_selector("#result:visible")
    assert not page.is_visible("#error")


def test_busy_server_is_asked_again(page, photograph):
    refusals = iter([503])

    def first_refuse(route) -> None:
        if next(refusals, None):
            headers = {"Retry-After": "1"}
            route.fulfill(status=503, json={"error": "busy"}, headers=headers)
        else:
            route.continue_()

    page.route("**/matte*", first_refuse)
    began = time.monotonic()
    page.set_input_files("#file", photograph)
    page.wait_for_selector("text=trying again in 1 s")
    page.wait_for_selector("#busy", state="hidden")
    assert time.monotonic() - began >= 1
