"""Corrections on the page, for the tests of them."""

from __future__ import annotations

import json

import numpy as np
from browsing import (
    download,
    point,
    settle,
    shown,
    upload,
)

from gfm.serve.limits import Limits
from rssn.imaging.reading import read_pixels

HEIGHT, WIDTH = 180, 240
LIMITS = Limits(max_bytes=400_000)


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


def stroke(page, corners, button: str = "left") -> None:
    page.mouse.move(*at(page, *corners[0]))
    page.mouse.down(button=button)
    for corner in corners[1:]:
        page.mouse.move(*at(page, *corner), steps=5)
    page.mouse.up(button=button)
    settle(page)
