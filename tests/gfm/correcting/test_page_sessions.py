"""The page over reloads, windows, late answers, and servers that are full or restart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from browsing import (
    SCREENS,
    needs_browser,
    open_page,
    point,
    settle,
    shown,
    upload,
    wait_until_shown,
)
from clicking import HalvesModel
from correcting_page import (
    LIMITS,
    WIDTH,
    alpha,
    at,
    begin,
    edits,
    opacity,
    show_alpha,
)
from serving import listening
from tiny import draw_photograph

from gfm.serve.limits import Limits
from rssn.imaging.writing import write_rgb

pytestmark = [pytest.mark.integration, needs_browser]


def test_reload_goes_on(page):
    page.mouse.click(*at(page, 190, 90))
    settle(page)
    page.reload()
    wait_until_shown(page)
    assert page.text_content("#begin") == "The automatic matte"
    show_alpha(page)
    assert opacity(page, 190, 90) == 255
    page.keyboard.press("Control+z")
    assert opacity(page, 190, 90) == 0


def test_unrefined_edges_are_shown_beside_the_refined_ones(browser, files, tmp_path):
    context = browser.new_context(**SCREENS["desktop"])
    problems: list[str] = []
    with listening(LIMITS, model=HalvesModel(refined=True)) as port:
        page = open_page(context, f"http://127.0.0.1:{port}", problems)
        begin(page, files)
        refined = alpha(page, tmp_path)
        row, column = np.argwhere((refined > 60) & (refined < 200))[0]
        assert abs(column - WIDTH / 2) < 8
        page.click(".panel >> text=Unrefined")
        page.focus("#split")
        for key, wanted in (("End", 255 * (column < WIDTH / 2)), ("Home", refined[row, column])):
            page.keyboard.press(key)
            page.evaluate("scrollTo(0, 0)")
            for _ in range(500):  # until the unrefined matte is there
                seen = opacity(page, column, row)
                if abs(seen - int(wanted)) < 50:
                    break
                page.wait_for_timeout(50)
            assert abs(seen - int(wanted)) < 50
    context.close()
    assert problems == []


def test_late_answer_does_not_replace_a_newer_one(page):
    late: list[object] = []

    def hold_the_first(route) -> None:
        if late:
            route.continue_()
        else:
            late.append((route, route.fetch()))  # asked now, answered later

    page.route("**/matte?output=layers*", hold_the_first)
    page.mouse.click(*at(page, 190, 40))
    while not late:
        page.wait_for_timeout(20)
    page.mouse.click(*at(page, 190, 140))
    for _ in range(500):
        if shown(page, *at(page, 190, 140))[0] == 255:
            break
        page.wait_for_timeout(20)
    route, answer = late[0]
    route.fulfill(response=answer)
    assert (opacity(page, 190, 140), opacity(page, 190, 40)) == (255, 255)


def test_windows_have_sessions_of_their_own_and_copies_share_one(context, address, files, page):
    problems: list[str] = []
    other = open_page(context, address, problems)
    begin(other, files)
    page.bring_to_front()
    page.mouse.click(*at(page, 190, 90))
    assert (opacity(page, 190, 90), opacity(other, 190, 90)) == (255, 0)
    # What "Duplicate" of a browser does.
    kept = page.evaluate("sessionStorage.getItem('gfm')")
    copy = context.new_page()
    copy.add_init_script(f"sessionStorage.setItem('gfm', {json.dumps(kept)})")
    copy.goto(address)
    wait_until_shown(copy)
    show_alpha(copy)
    assert opacity(copy, 190, 90) == 255
    copy.mouse.click(*at(copy, 60, 40), button="right")
    assert opacity(copy, 60, 40) == 0
    page.bring_to_front()
    page.keyboard.press("Control+z")  # of what is not seen here
    page.wait_for_selector("#error >> text=corrected in another window; its newest state is shown")
    assert (opacity(page, 60, 40), opacity(page, 190, 90)) == (0, 255)
    page.mouse.click(*at(page, 60, 140), button="right")
    assert opacity(page, 60, 140) == 0
    assert problems == []


def test_full_server_and_bad_corrections_are_told_and_the_page_goes_on(page):
    page.mouse.click(*at(page, 13, 13))
    page.wait_for_selector("#error >> text=unlucky; click elsewhere")
    page.mouse.click(*at(page, 190, 90))
    assert opacity(page, 190, 90) == 255
    assert len(edits(page)) == 1


def test_server_restarts_in_the_middle(browser, files, tmp_path):
    context = browser.new_context(**SCREENS["desktop"])
    problems: list[str] = []
    with listening(LIMITS, model=HalvesModel()) as port:
        page = open_page(context, f"http://127.0.0.1:{port}", problems)
        begin(page, files)
        page.mouse.click(*at(page, 190, 90))
        page.mouse.click(*at(page, 60, 90), button="right")
        settle(page)
        page.keyboard.press("Control+z")
        settle(page)
    page.mouse.click(*at(page, 190, 140))
    page.wait_for_selector("#caption >> text=cannot be reached; trying again")
    with listening(LIMITS, port=port, model=HalvesModel()):
        assert opacity(page, 190, 140) == 255
        assert (opacity(page, 190, 90), opacity(page, 60, 90)) == (255, 255)
        page.keyboard.press("Control+z")
        assert (opacity(page, 190, 140), opacity(page, 190, 90)) == (0, 255)
        page.keyboard.press("Control+Shift+z")
        settle(page)
    with listening(LIMITS, port=port, model=HalvesModel()):
        page.reload()
        wait_until_shown(page)
        show_alpha(page)
        assert (opacity(page, 190, 140), opacity(page, 190, 90)) == (255, 255)
    with listening(
        LIMITS, port=port, model=HalvesModel()
    ):  # and where the browser has lost the photograph
        page.evaluate("indexedDB.deleteDatabase('gfm')")
        page.mouse.click(*at(page, 200, 20))
        page.wait_for_selector("#error >> text=no longer has the photograph. Choose it again")
        upload(page, files / "photo.png")
    context.close()
    assert problems == []


def test_photograph_of_50_megapixels(browser, tmp_path):
    height, width = 6000, 8400
    picture = np.repeat(np.repeat(draw_photograph(1, 60, 84), 100, 0), 100, 1)
    write_rgb(tmp_path / "large.jpg", picture)
    context = browser.new_context(**SCREENS["desktop"])
    problems: list[str] = []
    with listening(Limits(seconds=500), model=HalvesModel()) as port:
        page = open_page(context, f"http://127.0.0.1:{port}", problems)
        page.set_default_timeout(500_000)
        upload(page, tmp_path / "large.jpg")
        show_alpha(page)
        page.click(".toolbar >> text=Keep")
        x, y = point(page, 8000, 300, width, height)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.up()
        settle(page)
        assert shown(page, x, y)[0] == 255
        made = alpha(page, tmp_path)
        assert made.shape == (height, width) and made[300, 8000] == 255
        page.keyboard.press("Control+z")
        settle(page)
    context.close()
    assert problems == []
