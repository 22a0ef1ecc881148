"""The page in a real browser, for the tests of it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(not BROWSER, reason="needs the system's chromium")
SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True},
}
WAIT = 60_000  # ms; a busy machine is no failure


@contextlib.contextmanager
def opened_browser() -> Iterator[object]:
    """The system's browser; the test is left out where playwright is missing."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="drives a browser; pip install playwright"
    )
    with playwright.sync_playwright() as driver:
        # Root, as in CI, has no sandbox.
        with driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"]) as browser:
            yield browser


def open_page(context, address: str, problems: list[str]):
    """The page in a window; what it loads from elsewhere and its errors are problems."""

    def watch(asked) -> None:
        own = urlsplit(address).netloc
        if urlsplit(asked.url).scheme not in ("blob", "data") and urlsplit(asked.url).netloc != own:
            problems.append(asked.url)

    context.set_default_timeout(WAIT)
    page = context.new_page()
    page.on("request", watch)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda m: problems.append(m.text) if "Policy" in m.text else None)
    page.goto(address)
    # From here on the browser opens none of its own; asked for only when a key is pressed, that
    # comes too late at times.
    page.on("filechooser", lambda chooser: None)
    return page


def upload(page, path: Path) -> None:
    """Choose a file and wait for its result."""
    page.set_input_files("#file", path)
    wait_until_shown(page)


def wait_until_shown(page) -> None:
    page.wait_for_selector("#work:not(.waiting) >> #view")
    settle(page)


def settle(page) -> None:
    """Wait until every correction is answered and drawn."""
    page.wait_for_selector("#working", state="hidden")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def point(page, x: float, y: float, width: int, height: int) -> tuple[float, float]:
    """Position of the middle of a pixel in the window, while the photograph fits its stage."""
    box = page.locator("#stage").bounding_box()
    scale = min(box["width"] / width, box["height"] / height)
    left = box["x"] + (box["width"] - scale * width) / 2
    top = box["y"] + (box["height"] - scale * height) / 2
    return left + (x + 0.5) * scale, top + (y + 0.5) * scale


def shown(page, x: float, y: float) -> np.ndarray:
    """The colour of the picture at a point of the window."""
    read = """([x, y]) => {
        const canvas = document.querySelector("#view");
        const box = canvas.getBoundingClientRect();
        const ratio = canvas.width / box.width;
        const [column, row] = [(x - box.left) * ratio, (y - box.top) * ratio];
        return [...canvas.getContext("2d").getImageData(column, row, 1, 1).data];
    }"""
    return np.array(page.evaluate(read, [x, y])[:3])


def download(page, button: str, folder: Path) -> Path:
    """The file that a button gives."""
    with page.expect_download() as coming:
        page.click(button)
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path
