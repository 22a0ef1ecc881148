"""A photograph under correction: automatic matte, clicks, brush strokes; runs in the worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from gfm.guidance.bands import UNKNOWN
from gfm.guidance.guidance import Guidance
from gfm.guidance.refinement import trimap_from_matte
from gfm.inference.cutout import Matte
from gfm.inference.guidance import NO_GUIDANCE
from gfm.inference.matting import check_models, predict, with_colours
from gfm.inference.refine import refine, refiner
from gfm.models.contract import Prediction
from gfm.models.options import MatteOptions
from gfm.models.registry import get_system
from gfm.serve.edits import Click, Stroke
from gfm.serve.limits import Refused
from gfm.serve.painting import KEEP, OPEN, REMOVE, Painting, paint
from gfm.serve.steps import Point, Steps, click_steps
from rssn.imaging.photographs import Photograph
from rssn.imaging.resizing import resize

if TYPE_CHECKING:
    from gfm.models.contract import MattingModel

Edit = Click | Stroke
Edits = tuple[Edit, ...]

SOLID = 0.5
CONTEXT = 96  # px around painted pixels that the guided model sees, at least
APART = 0.02  # of the shorter side: objects this near to each other are one
SHARED = 0.1  # of the smaller object: those that share more are one
LARGE = 0.25  # of the automatic object: what is smaller is a part that it lacks


class ClickSession(Protocol):
    """A photograph before a click model."""

    @property
    def matte(self) -> Matte:
        """The matte after the last click."""

    def add(self, points: tuple[Point, ...]) -> None:
        """Click on pixels, as one correction.

        Raises:
            InputError: The model refuses it; the session stays as it was.
        """

    def undo(self) -> None:
        """Take the last correction back."""


# Photograph, and the matte to begin with or None for nothing.
OpenSession = Callable[[Photograph, Matte | None], ClickSession]


@dataclass(frozen=True)
class Models:
    """Models of the server.

    Attributes:
        automatic: Mattes a photograph by itself.
        open_clicks: Opens a session of a click model; None where the server has none.
        max_memory: As for `gfm.matte`.
    """

    automatic: MattingModel
    open_clicks: OpenSession | None = None
    max_memory: int | None = None

    @property
    def options(self) -> MatteOptions:
        """Options of every call."""
        return MatteOptions(max_memory=self.max_memory)

    def model_for(self, guidance: Guidance) -> MattingModel | None:
        """The automatic model where it takes the guidance; None is the one of the package."""
        takes = get_system(self.automatic.system).guidance
        return self.automatic if all(kind in takes for kind in guidance.given) else None

    def guided(self, photograph: Photograph, guidance: Guidance) -> Prediction:
        """The matte by a trimap or a mask."""
        options = self.options
        system, models = check_models(self.model_for(guidance), options, guidance)
        return predict(system, models, photograph, guidance, options)


class Correction:
    """A photograph, its first matte, and what its corrections make of it.

    Args:
        photograph: The photograph.
        models: To matte with.
        guidance: A trimap or a mask to begin with; without one the first matte is automatic.

    Attributes:
        first: The matte before corrections.
        unrefined: Opacity (H, W), uint8, of the automatic matte before its refinement; None where
            nothing refined it.
    """

    def __init__(
        self, photograph: Photograph, models: Models, guidance: Guidance = NO_GUIDANCE
    ) -> None:
        self.photograph, self._models = photograph, models
        self.unrefined: NDArray[np.uint8] | None = None
        made = self._automatic() if not guidance.given else models.guided(photograph, guidance)
        self.first = with_colours(photograph, made, models.options)
        self._session: ClickSession | None = None
        self._alone = False
        self._clicked: Steps = []  # what the session has
        self._made: tuple[Edits, Matte] = ((), self.first)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.first.alpha.shape
        return height, width

    def unrefined_matte(self) -> Matte:
        """The automatic matte before its refinement."""
        if self.unrefined is None:
            return self.first
        alpha = self.unrefined.astype(np.float32) / np.float32(255)
        return with_colours(self.photograph, Prediction(alpha), self._models.options)

    def settled(self, edits: Edits) -> Edits:
        """The edits, with `alone` of a first click as the server decides it."""
        if not edits or not isinstance(first := edits[0], Click) or first.alone is not None:
            return edits
        return (replace_alone(first, self._is_another_object(first)), *edits[1:])

    def apply(self, edits: Edits) -> None:
        """Hand clicks and strokes to the click model; nothing is computed yet.

        Args:
            edits: All of them, settled.

        Raises:
            InputError: The click model refuses one; the next call puts the session right.
            Refused: 409, there is no click model.
        """
        opened = self._models.open_clicks
        if opened is None:
            if any(isinstance(edit, Click) for edit in edits):
                raise Refused(
                    409,
                    "this server has no click model; use the brush, or start gfm serve with "
                    "--clicks MODEL",
                )
            return
        steps = click_steps(edits)
        alone = isinstance(edits[0], Click) and bool(edits[0].alone) if edits else False
        if steps and (self._session is None or alone != self._alone):
            self._session = opened(self.photograph, None if alone else self.first)
            self._alone, self._clicked = alone, []
        session = self._session
        if session is None:
            return
        while self._clicked != steps[: len(self._clicked)]:
            session.undo()
            self._clicked.pop()
        for step in steps[len(self._clicked) :]:
            session.add(step)
            self._clicked.append(step)

    def matte(self, edits: Edits) -> Matte:
        """The matte after edits that were applied."""
        if self._made[0] != edits:
            self._made = (edits, self._matte(edits))
        return self._made[1]

    def _automatic(self) -> Prediction:
        options = replace(self._models.options, refine="none")
        system, models = check_models(self._models.automatic, options)
        made = predict(system, models, self.photograph, NO_GUIDANCE, options)
        by = refiner(system, models, self._models.options)
        if by is None:
            return made
        self.unrefined = np.rint(made.alpha * 255).astype(np.uint8)
        return refine(self.photograph.pixels, made, by, self._models.options)

    def _matte(self, edits: Edits) -> Matte:
        made = self.first
        if self._session is not None and self._clicked:
            made = self._session.matte
        painting = paint(edits, *self.size)
        return made if painting is None else self._painted(made, painting)

    def _painted(self, made: Matte, painting: Painting) -> Matte:
        """A matte with painted pixels as they were painted, open ones by the guided model."""
        alpha, colours, trimap = made.alpha.copy(), made.foreground.copy(), made.trimap.copy()
        labels, area = painting
        if painting.is_open:
            inner, shown = self._resolved(made, painting)
            is_open = labels == OPEN
            alpha[area][is_open] = inner.alpha[shown][is_open]
            colours[area][is_open] = inner.foreground[shown][is_open]
            trimap[area][is_open] = 1
        for label, opacity in ((REMOVE, 0), (KEEP, 1)):
            alpha[area][labels == label] = opacity
            trimap[area][labels == label] = 2 * opacity
        kept = labels == KEEP
        colours[area][kept] = self.photograph.pixels[area][kept]
        return Matte(alpha, colours, trimap, made.profile)

    def _resolved(self, made: Matte, painting: Painting) -> tuple[Matte, tuple[slice, slice]]:
        """The matte of the guided model around painted pixels, and where they lie in it."""
        rows, columns = (
            _grown(part, side) for part, side in zip(painting.area, self.size, strict=True)
        )
        trimap = trimap_from_matte(made.alpha[rows, columns])
        shown = tuple(
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(painting.area, (rows, columns), strict=True)
        )
        inside = (shown[0], shown[1])
        levels = np.array([0, 0, 255, 128], np.uint8)[painting.labels]
        trimap[inside] = np.where(painting.labels > 0, levels, trimap[inside])
        if (trimap == UNKNOWN).all():
            raise Refused(
                422,
                "the brush leaves no pixel known; leave some of the object and its "
                "background unpainted",
            )
        part = Photograph(np.ascontiguousarray(self.photograph.pixels[rows, columns]))
        solved = self._models.guided(part, Guidance(trimap=trimap))
        return with_colours(part, solved, self._models.options), inside

    def _is_another_object(self, click: Click) -> bool:
        """The click selects something apart from the object that was found by itself."""
        solid = self.first.alpha > SOLID
        outside = not solid[click.y, click.x]
        opened = self._models.open_clicks
        if opened is None or click.mark != "keep" or not outside or not solid.any():
            return False
        session = opened(self.photograph, None)
        session.add(((click.x, click.y, True),))
        other = session.matte.alpha > SOLID
        return _apart(solid, other)


def replace_alone(click: Click, alone: bool) -> Click:
    """A click with its decision."""
    return click.model_copy(update={"alone": alone})


def _apart(solid: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """The other object neither overlaps nor touches the first, and is about as large."""
    scale = min(1.0, 512 / max(solid.shape))  # enough to tell
    size = (max(1, round(scale * solid.shape[0])), max(1, round(scale * solid.shape[1])))
    first, second = (resize(mask.astype(np.uint8), size) for mask in (solid, other))
    smaller = min(int(first.sum()), int(second.sum()))
    if int(second.sum()) < LARGE * int(first.sum()):
        return False
    reach = 2 * max(1, round(APART * min(first.shape))) + 1
    near = cv2.dilate(first, np.ones((reach, reach), np.uint8)) > 0
    return int(second[near].sum()) <= SHARED * smaller


def _grown(part: slice, side: int) -> slice:
    margin = max(CONTEXT, (part.stop - part.start) // 4)
    return slice(max(0, part.start - margin), min(side, part.stop + margin))
