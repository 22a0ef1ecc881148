"""Folders of small drawn inputs."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawings import draw_disc, draw_picture

from rssn.images import write_alpha, write_rgb


@pytest.fixture
def foregrounds(tmp_path: Path) -> Path:
    """Four photographs with mattes in original/ and mask/."""
    folder = tmp_path / "foregrounds"
    for name in ("original", "mask"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        height, width = (48, 64) if number % 2 else (64, 48)
        write_rgb(folder / "original" / f"photo{number}.png", draw_picture(number, height, width))
        write_alpha(folder / "mask" / f"photo{number}.png", draw_disc(height, width))
    return folder


@pytest.fixture
def backgrounds(tmp_path: Path) -> Path:
    """Six pictures of different sizes."""
    folder = tmp_path / "backgrounds"
    folder.mkdir()
    for number in range(6):
        write_rgb(folder / f"b{number}.png", draw_picture(100 + number, 40 + 8 * number, 90))
    return folder
