"""The picture of the route: what its panels show, and where it looks closer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from drawings import draw_disc, draw_picture

from rssn import ROUTES, blend, blur, denoise
from rssn.build.sources import SourcePixels
from rssn.imaging.reading import read_rgb
from rssn.inspection.picture import draw_panels, finest_part, main, route_panels


def test_panels_are_the_steps_of_the_route() -> None:
    alpha, picture, background = draw_disc(), draw_picture(1), draw_picture(2)
    pixels = SourcePixels(picture, alpha, alpha.shape)
    rng = np.random.default_rng(0)
    panels = dict(route_panels(pixels, background, ROUTES["rssn"], rng, is_photograph=False))
    assert next(iter(panels)) == "cut-out" and len(panels) == 9
    np.testing.assert_array_equal(panels["background"], background)  # of the same size: no crop
    np.testing.assert_array_equal(panels["foreground, denoised"], denoise(picture))
    behind = blur(denoise(background), 40)
    np.testing.assert_array_equal(panels["background, blurred over 40 px"], behind)
    composite = blend(alpha, denoise(picture), behind)
    np.testing.assert_array_equal(panels["blended"], composite)
    noise = panels["with noise of sigma 10"].astype(float) - composite
    assert 8 < noise.std() < 11


def test_the_finest_part_is_found() -> None:
    alpha = np.zeros((40, 50), np.float32)
    alpha[20:28, 30:38] = 0.5  # the only square of 8 px that is fractional throughout
    alpha[5:8, 5:45] = 0.9
    assert finest_part(alpha, 8) == (20, 30, 8)


def test_panels_lie_in_rows_of_three() -> None:
    alpha = draw_disc()
    panels = [(f"step {number}", draw_picture(number)) for number in range(4)]
    drawn = draw_panels(panels, alpha, width=64)
    assert drawn.shape == (8 + 2 * (48 + 30), 8 + 3 * (64 + 8), 3)
    np.testing.assert_array_equal(drawn[8 + 5, 8 + 5], draw_picture(0)[5, 5])


def test_command(
    foregrounds: Path, backgrounds: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "route.jpg"
    folders = ["--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds)]
    assert main([*folders, "--out", str(out), "--id", "photo1", "--width", "100"]) == 0
    assert read_rgb(out).shape[1] == 8 + 3 * 108
    assert main([*folders, "--out", str(out), "--id", "nobody"]) == 2
    assert "choose from photo0, photo1" in capsys.readouterr().err
    assert main([*folders, "--out", str(out), "--width", "3"]) == 2
