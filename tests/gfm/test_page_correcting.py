"""Corrections on the page: mouse, fingers, keys, brushes, windows, and a server that restarts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from browsing import (
    SCREENS,
    download,
    needs_browser,
    open_page,
    point,
    settle,
    shown,
    upload,
    wait_until_shown,
)
from clicking import RADIUS, WHOLE, HalvesModel
from PIL import Image
from serving import listening
from tiny import draw_photograph

from gfm.models import registry
from gfm.serve.limits import Limits
from rssn.imaging.reading import read_pixels
from rssn.imaging.writing import write_rgb

pytestmark = [pytest.mark.integration, needs_browser]

HEIGHT, WIDTH = 180, 240
LIMITS = Limits(max_bytes=400_000)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with photo.png, mask.png and trimap.png."""
    folder = tmp_path_factory.mktemp("files")
    write_rgb(folder / "photo.png", draw_photograph(1, HEIGHT, WIDTH))
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[50:140, 80:160] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    mask[50:140, 150:160] = 128
    Image.fromarray(mask).save(folder / "trimap.png")
    return folder


@pytest.fixture(scope="module", autouse=True)
def halves():
    """Makes the left half of a photograph its automatic matte, without a network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.SYSTEMS, "halves", "clicking")
        yield


@pytest.fixture(scope="module")
def address(halves):
    with listening(LIMITS, model=HalvesModel()) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def context(browser, request):
    context = browser.new_context(**SCREENS[getattr(request, "param", "desktop")])
    yield context
    context.close()


@pytest.fixture
def page(context, address, files):
    """The page with the photograph, of which the left half is the object."""
    problems: list[str] = []
    page = open_page(context, address, problems)
    begin(page, files)
    yield page
    assert problems == []


def begin(page, files) -> None:
    """Upload the photograph, and show alpha without marks."""
    upload(page, files / "photo.png")
    show_alpha(page)


def choose(page, kind: str, path) -> None:
    with page.expect_file_chooser() as chooser:
        page.click(f"#{kind}")
    chooser.value.set_files(path)


def show_alpha(page) -> None:
    page.click(".panel >> text=Alpha")
    page.uncheck("#marks")
    page.evaluate("scrollTo(0, 0)")


def at(page, x: float, y: float) -> tuple[float, float]:
    return point(page, x, y, WIDTH, HEIGHT)


def opacity(page, x: float, y: float) -> int:
    """Red level of a pixel as the page shows it, after all answers."""
    settle(page)
    return int(shown(page, *at(page, x, y))[0])


def alpha(page, folder) -> np.ndarray:
    """Alpha of the download."""
    return read_pixels(download(page, "#download-alpha", folder))


def edits(page) -> list[dict]:
    """Corrections that outlive a reload."""
    return json.loads(page.evaluate("sessionStorage.getItem('gfm')"))["edits"]


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


def stroke(page, corners, button: str = "left") -> None:
    page.mouse.move(*at(page, *corners[0]))
    page.mouse.down(button=button)
    for corner in corners[1:]:
        page.mouse.move(*at(page, *corner), steps=5)
    page.mouse.up(button=button)
    settle(page)


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
