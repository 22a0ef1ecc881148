"""The page in a browser: upload, views, backgrounds, downloads, keys, and what goes wrong."""

from __future__ import annotations

import base64
import time
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from browsing import (
    SCREENS,
    WAIT,
    download,
    needs_browser,
    open_page,
    point,
    shown,
    upload,
    wait_until_shown,
)
from PIL import Image
from serving import listening
from tiny import draw_photograph, shared

import gfm
from gfm.serve.access import Access
from gfm.serve.limits import Limits
from rssn.imaging.reading import read_rgb, read_rgba
from rssn.imaging.writing import write_rgb

pytestmark = [pytest.mark.integration, needs_browser]

PHOTOGRAPH = draw_photograph(1, 180, 240)
on_all_screens = pytest.mark.parametrize("page", SCREENS, indirect=True)


@pytest.fixture(scope="module")
def address():
    with listening(Limits(max_bytes=200_000)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(address, browser, request):
    """The page, opened; it has to load nothing from elsewhere and to have no error."""
    problems: list[str] = []
    context = browser.new_context(**SCREENS[getattr(request, "param", "desktop")])
    yield open_page(context, address, problems)
    context.close()
    assert problems == []


def test_token_of_the_address_is_sent(browser, tmp_path):
    token = "correct-horse/battery+staple"
    write_rgb(tmp_path / "photo.png", PHOTOGRAPH)
    with listening(Limits(max_bytes=200_000), Access(token=token)) as port:
        context = browser.new_context()
        context.set_default_timeout(WAIT)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#error:visible >> text=This server needs its token")
        page.goto(f"http://127.0.0.1:{port}/#token={quote(token, safe='')}")
        page.wait_for_selector("#limits >> text=megapixels")
        assert f"Authorization: Bearer {token}" in page.text_content("#curl")
        upload(page, tmp_path / "photo.png")
        page.click("summary >> text=For programs")
        page.click("#docs")
        page.wait_for_selector("h2 >> text=POST /sessions/{session}/clicks")
        context.close()


@pytest.fixture
def photograph(tmp_path):
    write_rgb(tmp_path / "photo.png", PHOTOGRAPH)
    return tmp_path / "photo.png"


def wait_for_error(page, text: str) -> None:
    page.wait_for_selector(f"#error:visible >> text={text}")
    assert page.is_visible("#drop") and page.is_hidden("#work")


def composite(cutout, background) -> np.ndarray:
    colours, alpha = cutout
    return colours * alpha[..., None] + background * (1 - alpha[..., None])


@on_all_screens
def test_cuts_out_shows_and_downloads(page, photograph, tmp_path):
    upload(page, photograph)
    assert "Done in" in page.text_content("#caption")
    wanted = gfm.matte(PHOTOGRAPH, shared())
    cutout = download(page, "#download", tmp_path)
    assert cutout.name == "photo-cutout.png"
    colours, alpha = read_rgba(cutout)
    assert colours.shape == PHOTOGRAPH.shape
    np.testing.assert_allclose(alpha, wanted.alpha, atol=1.6 / 255)

    for view, levels in (
        ("alpha", np.rint(wanted.alpha * 255)),
        ("trimap", np.array([0, 128, 255])[wanted.trimap]),
    ):
        page.click(f".panel .choice >> text={view.title()}")
        assert page.is_hidden("#backgrounds")
        saved = download(page, f"#download-{view}", tmp_path)
        assert saved.name == f"photo-{view}.png"
        difference = abs(read_rgb(saved)[..., 0] - levels.astype(float))
        assert (difference <= 1).mean() > 0.999
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_backgrounds(page, photograph, tmp_path):
    upload(page, photograph)
    cutout = read_rgba(download(page, "#download", tmp_path))
    page.click(".panel >> text=Cut-out")
    assert page.is_hidden("#download-composite")  # nothing to put it on yet

    def check(background: tuple[int, int, int]) -> None:
        made = read_rgb(download(page, "#download-composite", tmp_path))
        wanted = composite(cutout, np.array(background))
        np.testing.assert_allclose(made, wanted, atol=2)  # rounded by the browser
        seen = shown(page, *point(page, 120, 90, 240, 180))
        assert abs(seen - wanted[90, 120]).max() < 20  # as a JPEG, and enlarged

    page.click("[title=Green]")
    check((0, 177, 64))
    page.fill("#colour", "#102030")
    assert page.is_checked("[value=colour]")
    check((16, 32, 48))
    write_rgb(tmp_path / "flat.png", np.full((50, 90, 3), (10, 90, 200), np.uint8))
    with page.expect_file_chooser() as chooser:
        page.click("#pick")
    chooser.value.set_files(tmp_path / "flat.png")
    page.wait_for_selector("[value=picture]:checked")
    check((10, 90, 200))
    page.click("[title=Transparent]")
    assert page.is_hidden("#download-composite")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_background_that_is_no_picture_is_told_where_one_looks(page, photograph, tmp_path):
    upload(page, photograph)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    (tmp_path / "letter.png").write_text("no picture")
    page.set_input_files("#picture", tmp_path / "letter.png")
    page.wait_for_selector("#error >> text=letter.png cannot be shown by this browser")
    assert page.is_visible("#view") and not page.is_checked("[value=picture]")
    top = page.locator("#error").evaluate("e => e.getBoundingClientRect().top")
    assert 0 <= top < SCREENS["phone"]["viewport"]["height"]


def test_composite_that_is_too_large_for_the_browser_is_told(page, photograph, tmp_path):
    upload(page, photograph)
    write_rgb(tmp_path / "flat.png", np.zeros((50, 90, 3), np.uint8))
    page.click(".panel >> text=Cut-out")
    page.set_input_files("#picture", tmp_path / "flat.png")
    page.wait_for_selector("[value=picture]:checked")
    page.evaluate("""() => {  // what some do with a canvas that is too large
        HTMLCanvasElement.prototype.toBlob = (take) => take(null);
    }""")
    page.click("#download-composite")
    page.wait_for_selector("#error >> text=too large for this browser; download the cut-out")


@on_all_screens
def test_comparison_moves_by_keys_and_by_pointer(page, photograph):
    upload(page, photograph)
    page.click(".panel >> text=Alpha")
    page.click(".panel >> text=Before")
    page.focus("#split")
    page.keyboard.press("ArrowRight")
    assert page.input_value("#split") == "51"
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#stage").bounding_box()
    page.mouse.move(box["x"] + 0.51 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.up()
    assert abs(int(page.input_value("#split")) - 25) <= 1
    left, right = (
        shown(page, box["x"] + part * box["width"], box["y"] + 20) for part in (0.15, 0.4)
    )
    assert np.ptp(left) > 10 and np.ptp(right) == 0  # coloured, and grey


def tab_to(page, name: str) -> None:
    """Press Tab until the element of this id has the focus."""
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"#{name} is not reached by Tab")


def test_everything_is_reached_by_keys(page, photograph):
    tab_to(page, "file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photograph)
    page.wait_for_selector("#work:not(.waiting)")
    assert page.evaluate("document.activeElement.id") == "stage"
    page.keyboard.press("Tab")  # from the picture to the views
    page.keyboard.press("ArrowRight")
    assert page.input_value("[name=view]:checked") == "cutout"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.input_value("[name=background]:checked") == "#ffffff"
    tab_to(page, "trimap")
    tab_to(page, "download")
    with page.expect_download() as coming:
        page.keyboard.press("Enter")
    assert coming.value.suggested_filename == "photo-cutout.png"
    tab_to(page, "again")
    page.keyboard.press("Enter")
    assert page.is_visible("#drop")
    assert page.evaluate("document.activeElement.id") == "file"


def test_broken_and_large_files_are_told_and_the_page_goes_on(page, photograph, tmp_path):
    write_rgb(tmp_path / "whole.jpg", PHOTOGRAPH)
    data = (tmp_path / "whole.jpg").read_bytes()
    for name, content, message in (
        ("letter.jpg", b"no picture", "The photograph is no picture that can be read; send a JPEG"),
        ("half.jpg", data[: len(data) // 2], "The photograph is a JPEG that was cut short"),
        ("nothing.jpg", b"", "No photograph was sent"),
        ("large.png", bytes(200_001), "at most 0.2 MB are allowed"),
    ):
        (tmp_path / name).write_bytes(content)
        page.set_input_files("#file", tmp_path / name)
        wait_for_error(page, message)
    page.click("#error button")
    assert page.is_hidden("#error")
    upload(page, photograph)


def test_photograph_is_shown_upright_whatever_its_kind(page, tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: a quarter turn
    Image.fromarray(PHOTOGRAPH).save(tmp_path / "turned.tiff", exif=turned)
    upload(page, tmp_path / "turned.tiff")  # no browser shows this kind
    box = page.locator("#stage").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(180 / 240, rel=0.02)


def test_file_is_taken_where_it_is_dropped(page, photograph, tmp_path):
    content = base64.b64encode(photograph.read_bytes()).decode()
    drop = """content => {
        const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    }"""
    page.evaluate(drop, content)
    wait_until_shown(page)
    assert download(page, "#download", tmp_path).name == "dropped-cutout.png"


def test_busy_server_is_asked_again(page, photograph):
    refusals = iter([503])

    def first_refuse(route) -> None:
        if next(refusals, None):
            headers = {"Retry-After": "1"}
            route.fulfill(status=503, json={"error": "busy"}, headers=headers)
        else:
            route.continue_()

    page.route("**/sessions", first_refuse)
    began = time.monotonic()
    page.set_input_files("#file", photograph)
    page.wait_for_selector("text=trying again in 1 s")
    page.wait_for_selector("#work:not(.waiting) >> #view")
    assert time.monotonic() - began >= 1
    assert page.is_visible("#view")


def test_server_that_is_gone_is_told(page, photograph):
    page.route("**/sessions", lambda route: route.abort())
    page.set_input_files("#file", photograph)
    wait_for_error(page, "The server cannot be reached. Is gfm serve still running?")


def test_waiting_can_be_cancelled(page, photograph):
    held: list[Any] = []
    page.route("**/sessions", lambda route: held.append(route))  # no answer comes
    with page.expect_request("**/sessions"):
        page.set_input_files("#file", photograph)
    page.click("#cancel")
    assert page.is_visible("#drop") and page.is_hidden("#error")
    assert page.evaluate("sessionStorage.length") == 0
    held[0].abort()  # or Playwright waits for its handler for ever
