"""The page with a photograph whose left half is the object, without a network."""

from __future__ import annotations

import numpy as np
import pytest
from browsing import (
    SCREENS,
    open_page,
)
from clicking import HalvesModel
from correcting_page import (
    HEIGHT,
    LIMITS,
    WIDTH,
    begin,
)
from PIL import Image
from serving import listening
from tiny import draw_photograph

from gfm.models import registry
from rssn.imaging.writing import write_rgb


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
