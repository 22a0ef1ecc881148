"""Correction of one photograph's matte, click by click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Self

import numpy as np

from gfm.checkpoints.packaged import CLICKS
from gfm.guidance.clicks import Click, Clicks
from gfm.guidance.guidance import Guidance
from gfm.inference.correcting import Corrector, LocalCorrector, Patch, WholeCorrector
from gfm.inference.cutout import Matte
from gfm.inference.guidance import read_clicks
from gfm.inference.loading import packaged_model
from gfm.inference.matting import check_models, matte, predict, with_colours
from gfm.inference.refine import refine_edges
from gfm.models.contract import MattingModel, Prediction
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.images import Alpha, Uint8Image
from rssn.imaging.photographs import PhotographLike, as_photograph

MOST_CLICKS = 500  # of one session
KEPT = 48_000_000  # bytes of earlier mattes that stay in memory, so that undoing costs nothing


@dataclass
class _Step:
    """Clicks that were made at once, and the part of the matte that undoing or redoing them sets.

    `patch` is None while it was not computed, or if it was dropped to save memory.
    """

    points: tuple[Click, ...]
    patch: Patch | None = None

    @property
    def bytes(self) -> int:
        if self.patch is None:
            return 0
        colours = self.patch.foreground
        return self.patch.alpha.nbytes + (0 if colours is None else colours.nbytes)


class Session:
    """A photograph, its automatic matte, and the clicks that correct it.

    The first matte is that of `gfm.matte` without a model; every click corrects the one before it.
    Threads may share a session: its calls wait for one another. Clicks are computed when the matte
    is asked for.

    Args:
        image: As for `gfm.matte`.
        model: A network of `gfm.load_model` whose system takes clicks; None takes the light one of
            the package, which sees the photograph once and then changes what a click bears on.
        automatic: Begin with the automatic matte; False begins with nothing.
        first: Matte of the photograph to begin with instead.

    Raises:
        InputError: An unreadable photograph, a model that takes no clicks, or a first matte of
            another size.

    Note:
        Published click networks encode the photograph again for every click, and make the whole
        matte anew.
    """

    def __init__(
        self,
        image: PhotographLike,
        model: MattingModel | None = None,
        *,
        automatic: bool = True,
        first: Matte | None = None,
    ) -> None:
        self._options = MatteOptions(refine="none")
        model = packaged_model(CLICKS) if model is None else model
        system, models = check_models(model, self._options)
        if "clicks" not in system.guidance:
            raise InputError(
                f"a model of the system {system.name} takes no clicks; give one of the "
                "systems light_clicks, clicks or imatting"
            )
        self.photograph = as_photograph(image)
        height, width = self.photograph.pixels.shape[:2]
        self._corrector: Corrector
        if (engine := system.click_engine(models)) is not None:
            self._corrector = LocalCorrector(engine, self.photograph.pixels, refine_edges)
        else:

            def whole(clicks: Clicks, before: Alpha) -> Prediction:
                mask = before if system.corrects_matte else None
                guidance = Guidance(mask=mask, clicks=clicks)
                return predict(system, models, self.photograph, guidance, self._options)

            self._corrector = WholeCorrector(whole)
        self._lock = RLock()
        self._empty = Clicks(width, height)
        self._steps: list[_Step] = []
        self._undone: list[_Step] = []
        if first is None:
            first = matte(self.photograph.pixels) if automatic else self._nothing()
        elif first.alpha.shape != (height, width):
            raise InputError(
                f"first is a matte of {first.alpha.shape[1]}x{first.alpha.shape[0]} px, the "
                f"photograph has {width}x{height}; give a matte of this photograph"
            )
        self._first = first
        self._begin()

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        with self._lock:
            return self._clicks_of(self._steps)

    @property
    def matte(self) -> Matte:
        """The matte after the last click."""
        with self._lock:
            self._settle()
            if not self._steps:
                return self._first
            colours = None if self._foreground is None else self._foreground.copy()
            made = Prediction(self._alpha.copy(), colours)
            return with_colours(self.photograph, made, self._options)

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

    def stroke(self, path: Sequence[tuple[int, int]], positive: bool = True) -> Self:
        """Click on every pixel of a polyline, as one correction.

        Args:
            path: Its corners (x, y).
            positive: The stroke lies on the object.

        Raises:
            InputError: As for `click`.
        """
        return self._add(list(self._empty.add_stroke(path, positive)))

    def undo(self) -> Self:
        """Take the last click or stroke back; without one, do nothing."""
        with self._lock:
            if self._steps:
                step = self._steps.pop()
                self._undone.append(step)
                if self._applied > len(self._steps):
                    if step.patch is None:
                        self._begin()
                    else:
                        step.patch = self._exchange(step.patch)
                        self._applied -= 1
        return self

    def redo(self) -> Self:
        """Make the click or stroke again that was taken back last; without one, do nothing."""
        with self._lock:
            if self._undone:
                step = self._undone.pop()
                if step.patch is not None and self._applied == len(self._steps):
                    step.patch = self._exchange(step.patch)
                    self._applied += 1
                else:
                    step.patch = None
                self._steps.append(step)
        return self

    def clear(self) -> Self:
        """Take all clicks back."""
        with self._lock:
            self._steps, self._undone = [], []
            self._begin()
        return self

    def save(self, path: str | Path) -> None:
        """Write the clicks as JSON: {"width", "height", "clicks": [[x, y, true], ...]}.

        Strokes are noted in `steps`: the numbers of the clicks that were made at once.

        Raises:
            InputError: The file cannot be written.
        """
        path = Path(path)
        with self._lock, write_errors(path), whole_file(path) as part:
            part.write_text(self.clicks.to_json(), encoding="utf-8")

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
        return session.repeat(clicks)

    def repeat(self, clicks: Clicks) -> Self:
        """Make clicks on this photograph, step by step.

        Raises:
            InputError: As for `click`.
        """
        for points in clicks.by_step():
            self._add(list(points))
        return self

    def _add(self, points: list[tuple[int, int, bool]]) -> Self:
        with self._lock:
            before = self._clicks_of(self._steps)
            made = before.add_step(*points)
            if len(made) > MOST_CLICKS:
                raise InputError(
                    f"a session takes {MOST_CLICKS} clicks at most; undo some, or start anew from "
                    "its matte"
                )
            self._steps.append(_Step(made.points[len(before) :]))
            self._undone = []
        return self

    def _begin(self) -> None:
        """Go back to the first matte."""
        self._alpha = self._first.alpha
        self._foreground: Uint8Image | None = self._first.foreground
        self._applied = 0  # steps that the matte has
        for step in self._steps:
            step.patch = None

    def _settle(self) -> None:
        """Compute the steps that the matte does not have."""
        for index in range(self._applied, len(self._steps)):
            step = self._steps[index]
            clicks = self._clicks_of(self._steps[: index + 1])
            made = self._corrector.correct(self._alpha, clicks, step.points)
            step.patch = self._exchange(made)
            self._applied = index + 1
        used = sum(step.bytes for step in (*self._steps, *self._undone))
        for step in self._steps[:-1]:
            if used <= KEPT:
                break
            used -= step.bytes
            step.patch = None

    def _exchange(self, patch: Patch) -> Patch:
        """Set a part of the matte, and return that part as it was before."""
        area, alpha, colours = patch
        if self._alpha is self._first.alpha:
            self._alpha = self._alpha.copy()
        before = self._alpha[area].copy()
        self._alpha[area] = alpha
        if colours is None or self._foreground is None:  # of the whole photograph
            earlier, self._foreground = self._foreground, colours
            return Patch(area, before, earlier)
        if self._foreground is self._first.foreground:
            self._foreground = self._foreground.copy()
        replaced = Patch(area, before, self._foreground[area].copy())
        self._foreground[area] = colours
        return replaced

    def _clicks_of(self, steps: Sequence[_Step]) -> Clicks:
        points = [point for step in steps for point in step.points]
        numbers = tuple(len(step.points) for step in steps)
        return Clicks(self._empty.width, self._empty.height, tuple(points), numbers)

    def _nothing(self) -> Matte:
        height, width = self._empty.size
        zeros = np.zeros((height, width), np.float32)
        return Matte(zeros, self.photograph.pixels, zeros.astype(np.uint8), self.photograph.profile)
