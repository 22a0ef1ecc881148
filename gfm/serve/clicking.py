"""The click model of the server, as sessions of `gfm.Session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import gfm
from gfm.serve.correcting import ClickSession, OpenSession

if TYPE_CHECKING:
    from gfm.inference.cutout import Matte
    from gfm.models.contract import MattingModel
    from rssn.imaging.photographs import Photograph

CLICKS = "clicks-lite"  # the packaged click model


def opener(model: MattingModel) -> OpenSession:
    """A function that opens sessions of a click model.

    Args:
        model: A model of `gfm.load_model` whose system takes clicks.
    """

    def open_session(photograph: Photograph, first: Matte | None) -> ClickSession:
        return gfm.Session(photograph.pixels, model, automatic=first is not None)

    return open_session
