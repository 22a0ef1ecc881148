"""The click model of the server, as sessions of `gfm.Session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gfm
from gfm.guidance.clicks import Clicks
from gfm.models.registry import get_system
from gfm.serve.correcting import ClickSession, OpenSession
from gfm.serve.steps import Point
from rssn.imaging.errors import InputError

if TYPE_CHECKING:
    from gfm.inference.cutout import Matte
    from gfm.models.contract import MattingModel
    from rssn.imaging.photographs import Photograph


class _Session:
    """`gfm.Session`, a step at a time."""

    def __init__(self, photograph: Photograph, model: MattingModel, first: Matte | None) -> None:
        height, width = photograph.pixels.shape[:2]
        self._empty = Clicks(width, height)
        self._session = gfm.Session(photograph.pixels, model, automatic=False, first=first)

    @property
    def matte(self) -> Matte:
        return self._session.matte

    def add(self, points: tuple[Point, ...]) -> None:
        self._session.repeat(self._empty.add_step(*points))

    def undo(self) -> None:
        self._session.undo()


def opener(model: MattingModel) -> OpenSession:
    """A function that opens sessions of a click model.

    Raises:
        InputError: The model takes no clicks.
    """
    if "clicks" not in get_system(model.system).guidance:
        raise InputError(
            f"--clicks names a model of the system {model.system}, which takes no clicks; leave it "
            "out, or name a click model"
        )

    def open_session(photograph: Photograph, first: Matte | None) -> ClickSession:
        return _Session(photograph, model, first)

    return open_session
