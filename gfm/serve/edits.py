"""Corrections of a session: clicks and brush strokes, undone and redone; JSON in and out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from gfm.serve.limits import Refused

MOST_EDITS = 500  # of a session
MOST_CORNERS = 2000  # of a stroke
MOST_JSON = 4_000_000  # bytes of a whole state

Mark = Literal["keep", "remove", "unknown"]
Column = Annotated[int, Field(ge=0, description="Column of the pixel")]
Row = Annotated[int, Field(ge=0, description="Row of the pixel")]


class Click(BaseModel, extra="forbid", frozen=True):
    """A click on the object (`keep`) or on its background (`remove`)."""

    kind: Literal["click"]
    x: Column
    y: Row
    mark: Literal["keep", "remove"] = "keep"
    alone: bool | None = Field(
        None,
        description="Of a first click: select what was clicked on in place of the automatic "
        "object; null lets the server decide",
    )


class Stroke(BaseModel, extra="forbid", frozen=True):
    """A stroke of a brush; `unknown` leaves its pixels to the guided model."""

    kind: Literal["stroke"]
    path: tuple[tuple[Column, Row], ...] = Field(min_length=1, max_length=MOST_CORNERS)
    radius: float = Field(ge=0.5, le=4000, description="Of the brush, in pixels")
    mark: Mark = "keep"


class Step(BaseModel, extra="forbid", frozen=True):
    """`undo` takes the last correction back, `redo` makes it again, `clear` undoes all."""

    kind: Literal["undo", "redo", "clear"]


Edit = Annotated[Click | Stroke, Field(discriminator="kind")]
Action = Annotated[Click | Stroke | Step, Field(discriminator="kind")]


class Edits(BaseModel, extra="forbid", frozen=True):
    """All corrections of a session, and those that were undone, the last one first to return."""

    edits: tuple[Edit, ...] = Field((), max_length=MOST_EDITS)
    undone: tuple[Edit, ...] = Field((), max_length=MOST_EDITS)


ACTION: TypeAdapter[Click | Stroke | Step] = TypeAdapter(Action)


@dataclass(frozen=True)
class History:
    """Corrections in their order.

    Attributes:
        edits: Those in effect.
        undone: Those taken back; the last one returns first.
        revision: Grows with every change.
    """

    edits: tuple[Click | Stroke, ...] = ()
    undone: tuple[Click | Stroke, ...] = ()
    revision: int = 0

    def after(self, action: Click | Stroke | Step) -> History:
        """The history after an action.

        Raises:
            Refused: 409, there is no room for another edit.
        """
        edits, undone = self.edits, self.undone
        if isinstance(action, Step):
            if action.kind == "clear":
                edits, undone = (), undone + edits[::-1]
            elif action.kind == "undo":
                edits, undone = edits[:-1], undone + edits[-1:]
            else:
                edits, undone = edits + undone[-1:], undone[:-1]
        else:
            edits, undone = (*edits, action), ()
        if len(edits) > MOST_EDITS:
            raise Refused(
                409, f"a session takes {MOST_EDITS} corrections; undo some before you add others"
            )
        return History(edits, undone, self.revision + 1)


def read_action(data: bytes) -> Click | Stroke | Step:
    """An action in JSON.

    Raises:
        Refused: 400, it is none.
    """
    try:
        return ACTION.validate_json(data)
    except ValidationError as error:
        raise Refused(400, f"the correction {_reason(error)}; see /docs") from None


def read_history(data: bytes) -> History:
    """The history of a state in JSON, as `GET /sessions/ID` gives it.

    Raises:
        Refused: 400, it is none.
    """
    try:
        values = json.loads(data)
        if isinstance(values, dict):  # as it comes from GET, with more than is needed
            values = {name: values[name] for name in ("edits", "undone") if name in values}
        state = Edits.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise Refused(400, f"the state {_reason(error)}; see /docs") from None
    except (ValueError, RecursionError):
        raise Refused(400, "the state is not JSON; send what GET /sessions/ID gives") from None
    return History(state.edits, state.undone)


def check_inside(edits: tuple[Click | Stroke, ...], width: int, height: int) -> None:
    """See that corrections lie on a photograph.

    Raises:
        Refused: 422, one lies outside.
    """
    for edit in edits:
        for x, y in ((edit.x, edit.y),) if isinstance(edit, Click) else edit.path:
            if x >= width or y >= height:
                raise Refused(
                    422,
                    f"x={x}, y={y} lies outside the photograph of {width}x{height} pixels; x is 0 "
                    f"to {width - 1}, y 0 to {height - 1}",
                )


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"cannot be read ({f'{place}: ' if place else ''}{first['msg'].lower()[:200]})"
