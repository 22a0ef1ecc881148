"""Correction of one photograph's matte, click by click."""

from __future__ import annotations

from pathlib import Path
from threading import RLock
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance
from gfm.inference.cutout import Matte
from gfm.inference.guidance import read_clicks
from gfm.inference.matting import check_models, matte, predict, with_colours
from gfm.models.contract import MattingModel, Prediction
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.photographs import PhotographLike, as_photograph

MOST_CLICKS = 500  # of one session
KEPT = 8  # mattes of earlier clicks that stay in memory, so that undoing costs nothing


class Session:
    """A photograph, its automatic matte, and the clicks that correct it.

    The first matte is that of `gfm.matte` without a model; every click corrects the one before it.
    Threads may share a session: its calls wait for one another.

    Args:
        image: As for `gfm.matte`.
        model: A network of `gfm.load_model` whose system takes clicks.
        automatic: Begin with the automatic matte; False begins with nothing.

    Raises:
        InputError: An unreadable photograph, or a model that takes no clicks.

    Note:
        Published click networks encode the photograph again for every click.
    """

    def __init__(
        self,
        image: PhotographLike,
        model: MattingModel | None = None,
        *,
        automatic: bool = True,
    ) -> None:
        if model is None:
            raise InputError(
                "model=None: no click model comes with this version; convert a released one with "
                "`python -m gfm convert RELEASED.pth --system clicks --out clicks.safetensors`, or "
                "train one, and give gfm.load_model('clicks.safetensors')"
            )
        self._options = MatteOptions(refine="none")
        self._system, self._models = check_models(model, self._options)
        if "clicks" not in self._system.guidance:
            raise InputError(
                f"a model of the system {self._system.name} takes no clicks; give one of the "
                "systems clicks or imatting"
            )
        self.photograph = as_photograph(image)
        height, width = self.photograph.pixels.shape[:2]
        self._lock = RLock()
        self._clicks, self._undone = Clicks(width, height), Clicks(width, height)
        first = Prediction(np.zeros((height, width), np.float32))
        if automatic:
            made = matte(self.photograph.pixels)
            first = Prediction(made.alpha, made.foreground, trimap=made.trimap)
        self._first = first
        self._kept: dict[int, Prediction] = {}  # by the number of clicks, newest last

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        with self._lock:
            return self._clicks

    @property
    def matte(self) -> Matte:
        """The matte after the last click."""
        with self._lock:
            return with_colours(self.photograph, self._after(len(self._clicks)), self._options)

    def click(self, x: int, y: int, positive: bool = True) -> Self:
        """Click on the object, or (`positive=False`) on its background.

        Args:
            x: Column of the pixel.
            y: Row of the pixel.
            positive: The pixel belongs to the object.

        Raises:
            InputError: Outside the photograph, against an earlier click on this pixel, or one more
                than `MOST_CLICKS`; the session stays as it was.
        """
        return self._add([(x, y, positive)])

    def stroke(self, path: list[tuple[int, int]], positive: bool = True) -> Self:
        """Click on every pixel of a polyline, as one correction for each.

        Args:
            path: Its corners (x, y).
            positive: The stroke lies on the object.

        Raises:
            InputError: As for `click`.
        """
        height, width = self.photograph.pixels.shape[:2]
        return self._add(list(Clicks(width, height).add_stroke(path, positive)))

    def undo(self) -> Self:
        """Take the last click back; without one, do nothing."""
        with self._lock:
            if points := self._clicks.points:
                self._undone = self._undone.add(points[-1])
                self._clicks = Clicks(self._clicks.width, self._clicks.height, points[:-1])
        return self

    def redo(self) -> Self:
        """Make the click again that was taken back last; without one, do nothing."""
        with self._lock:
            if points := self._undone.points:
                self._undone = Clicks(self._undone.width, self._undone.height, points[:-1])
                self._clicks = self._clicks.add(points[-1])
        return self

    def clear(self) -> Self:
        """Take all clicks back."""
        with self._lock:
            width, height = self._clicks.width, self._clicks.height
            self._clicks = self._undone = Clicks(width, height)
            self._kept = {}
        return self

    def save(self, path: str | Path) -> None:
        """Write the clicks as JSON: {"width", "height", "clicks": [[x, y, true], ...]}.

        Raises:
            InputError: The file cannot be written.
        """
        path = Path(path)
        with self._lock, write_errors(path), whole_file(path) as part:
            part.write_text(self._clicks.to_json(), encoding="utf-8")

    @classmethod
    def load(
        cls, path: str | Path, image: PhotographLike, model: MattingModel | None = None
    ) -> Self:
        """A session with the clicks of a file.

        Args:
            path: Of `save`.
            image: The photograph of the session.
            model: As for a new session.

        Raises:
            InputError: It cannot be read, or belongs to a photograph of another size.
        """
        clicks = read_clicks(Path(path))
        session = cls(image, model)
        height, width = session.photograph.pixels.shape[:2]
        if clicks.size != (height, width):
            raise InputError(
                f"{path}: is for a photograph of {clicks.width}x{clicks.height} px, and this one "
                f"has {width}x{height}; give the photograph of the session"
            )
        return session._add(list(clicks))

    def _add(self, points: list[tuple[int, int, bool]]) -> Self:
        with self._lock:
            clicks = self._clicks.add(*points)
            if len(clicks) > MOST_CLICKS:
                raise InputError(
                    f"a session takes {MOST_CLICKS} clicks at most; undo some, or start anew from "
                    "its matte"
                )
            shared = min(len(self._clicks), len(clicks))
            self._kept = {count: made for count, made in self._kept.items() if count <= shared}
            self._clicks = clicks
            self._undone = Clicks(clicks.width, clicks.height)
        return self

    def _after(self, count: int) -> Prediction:
        """The prediction after so many clicks, made from the nearest one that is kept."""
        if count == 0:
            return self._first
        begin = max((kept for kept in self._kept if kept <= count), default=0)
        made = self._kept.get(begin, self._first)
        for number in range(begin + 1, count + 1):
            made = self._corrected(made.alpha, number)
            self._kept.pop(number, None)
            self._kept[number] = made
        for old in list(self._kept)[:-KEPT]:
            del self._kept[old]
        return made

    def _corrected(self, before: NDArray[np.float32], count: int) -> Prediction:
        width, height = self._clicks.width, self._clicks.height
        clicks = Clicks(width, height, self._clicks.points[:count])
        mask = before if self._system.corrects_matte else None
        guidance = Guidance(mask=mask, clicks=clicks)
        return predict(self._system, self._models, self.photograph, guidance, self._options)
