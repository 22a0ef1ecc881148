"""Corrections on the page by mouse, fingers, keys, brushes and guidance."""

from __future__ import annotations

import numpy as np
import pytest
from browsing import (
    needs_browser,
    settle,
    shown,
    wait_until_shown,
)
from clicking import RADIUS, WHOLE
from correcting_page import (
    HEIGHT,
    WIDTH,
    alpha,
    at,
    choose,
    edits,
    opacity,
    show_alpha,
    stroke,
)
from PIL import Image

from rssn.imaging.reading import read_pixels

pytestmark = [pytest.mark.integration, needs_browser]


def test_mouse_adds_removes_undoes_and_redoes(page):
    assert (opacity(page, 60, 90), opacity(page, 190, 90)) == (255, 0)
    page.mouse.click(*at(page, 190, 90))
    assert (opacity(page, 190, 90), opacity(page, 190 + RADIUS + 3, 90)) == (255, 0)
    page.mouse.click(*at(page, 60, 90), button="right")
    assert opacity(page, 60, 90) == 0
    page.keyboard.down("Alt")
    page.mouse.click(*at(page, 30, 40))
    page.keyboard.up("Alt")
    assert opacity(page, 30, 40) == 0
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert (opacity(page, 30, 40), opacity(page, 60, 90), opacity(page, 190, 90)) == (255, 255, 255)
    page.keyboard.press("Control+Shift+z")
    assert opacity(page, 60, 90) == 0
    page.click("#clear")
    assert (opacity(page, 60, 90), opacity(page, 190, 90)) == (255, 0)
    assert page.is_disabled("#undo") and page.is_enabled("#redo")
    page.click("#redo")
    assert opacity(page, 190, 90) == 255


def test_marks_show_what_was_clicked(page):
    page.check("#marks")
    page.evaluate("scrollTo(0, 0)")
    page.mouse.click(*at(page, 200, 50))
    page.mouse.click(*at(page, 60, 50), button="right")
    settle(page)
    for x, colour in ((200, (0x12, 0xA1, 0x50)), (60, (0xE5, 0x48, 0x4D))):
        left, top = at(page, x, 50)
        np.testing.assert_array_equal(shown(page, left + 5, top + 3), colour)


def test_brushes_keep_remove_and_leave_open(page, files, tmp_path):
    for tool, path in (("Keep", (150, 230)), ("Remove", (20, 80))):
        page.click(f".toolbar >> text={tool}")
        stroke(page, [(path[0], 60), (path[1], 60)])
    made = alpha(page, tmp_path)
    page.evaluate("scrollTo(0, 0)")
    assert (made[58:63, 150:231] == 255).all() and (made[58:63, 20:81] == 0).all()
    page.click(".toolbar >> text=Unknown")
    stroke(page, [(120, 120), (120, 150)])
    changed = alpha(page, tmp_path) != made
    assert not changed[:, :100].any() and not changed[:, 140:].any()
    assert len(edits(page)) == 3
    page.click(".toolbar >> text=Keep")
    page.evaluate("scrollTo(0, 0)")
    stroke(page, [(60, 120), (80, 120)], button="right")  # the other way round
    assert opacity(page, 70, 120) == 0


def test_keys_alone_correct(page):
    page.focus("#stage")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_selector("#caption >> text=0 % object")
    page.keyboard.press("Enter")
    settle(page)
    (edit,) = edits(page)
    column, row = edit["x"], edit["y"]
    assert column > 130 and edit["mark"] == "keep"
    assert opacity(page, column + 3, row + 3) == 255
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Delete")
    assert opacity(page, column + 3, row - 6) == 0
    page.keyboard.press("Control+z")
    page.keyboard.press("k")  # the brush: down, along, up
    assert page.input_value("[name=tool]:checked") == "keep"
    page.keyboard.press("Enter")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    assert len(edits(page)) == 2
    page.keyboard.press("Escape")
    assert opacity(page, column, row + 15) == 255
    before = page.input_value("#radius")
    page.keyboard.press("]")
    assert float(page.input_value("#radius")) > float(before)
    page.keyboard.press("v")
    assert page.input_value("[name=view]:checked") == "trimap"


def test_zoomed_clicks_hit_the_pixel_under_them(page, tmp_path):
    page.mouse.move(*at(page, 200, 30))
    for _ in range(4):
        page.mouse.wheel(0, -300)
    settle(page)
    page.mouse.click(*at(page, 200, 30))  # the zoom keeps this point in place
    page.mouse.down(button="middle")
    page.mouse.move(*at(page, 150, 90))
    page.mouse.up(button="middle")
    settle(page)
    made = alpha(page, tmp_path)
    rows, columns = np.nonzero(made[:, 130:])
    assert abs(rows.mean() - 30) < 1.5 and abs(columns.mean() + 130 - 200) < 1.5
    page.click("#fit")
    page.evaluate("scrollTo(0, 0)")
    assert opacity(page, 200, 30) == 255


@pytest.mark.parametrize("context", ["phone"], indirect=True)
def test_fingers_tap_press_long_and_pinch(page, context):
    page.touchscreen.tap(*at(page, 190, 90))
    assert opacity(page, 190, 90) == 255
    fingers = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", at(page, 60, 90))
    while len(edits(page)) < 2:
        page.wait_for_timeout(50)
    touch("touchEnd")
    assert opacity(page, 60, 90) == 0
    assert len(edits(page)) == 2
    x, y = at(page, 120, 90)
    touch("touchStart", (x - 20, y), (x + 20, y))
    for apart in (30, 40, 60):
        touch("touchMove", (x - apart, y), (x + apart, y))
    touch("touchEnd")
    settle(page)
    assert len(edits(page)) == 2  # no click
    assert shown(page, x + 100, y)[0] == 0 and shown(page, x - 100, y)[0] == 255
    assert page.evaluate("visualViewport.scale") == 1


@pytest.mark.parametrize("kind", ["trimap", "mask"])
def test_guidance_and_its_refusal(page, files, tmp_path, kind):
    page.mouse.click(*at(page, 190, 20))
    settle(page)
    choose(page, kind, files / f"{kind}.png")
    page.wait_for_selector(f"#begin >> text=The {kind} that you gave")
    wait_until_shown(page)
    made = alpha(page, tmp_path)
    given = read_pixels(files / f"{kind}.png")
    np.testing.assert_array_equal(made[40:], given[40:])
    assert made[20, 190] == 255  # the click has stayed
    Image.fromarray(given[:50]).save(tmp_path / "small.png")
    choose(page, kind, tmp_path / "small.png")
    page.wait_for_selector(f"#error >> text=The {kind}")
    np.testing.assert_array_equal(alpha(page, tmp_path), made)
    page.click("#automatic")
    page.wait_for_selector("#begin >> text=The automatic matte")


def test_first_click_on_another_object_selects_it(page, files, tmp_path):
    small = np.zeros((HEIGHT, WIDTH), np.uint8)
    small[60:110, 20:60] = 255
    Image.fromarray(small).save(tmp_path / "small.png")
    choose(page, "mask", tmp_path / "small.png")
    page.wait_for_selector("#begin >> text=The mask that you gave")
    wait_until_shown(page)
    show_alpha(page)
    page.mouse.click(*at(page, 200, 90))
    page.wait_for_selector("#notice", state="visible")
    assert (opacity(page, 200, 90), opacity(page, 40, 80)) == (255, 0)
    assert opacity(page, 200 + WHOLE - 4, 90) == 255
    page.click("#both")
    page.wait_for_selector("#notice", state="hidden")
    assert (opacity(page, 200, 90), opacity(page, 40, 80)) == (255, 255)
