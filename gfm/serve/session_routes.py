"""`/sessions`: a photograph is sent once, and its matte corrected step by step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from gfm.guidance.clicks import Clicks
from gfm.inference.cutout import Matte
from gfm.serve.answers import (
    NAME,
    Answer,
    Format,
    Output,
    draw,
    draw_layers,
    draw_photograph,
    read_guidance,
)
from gfm.serve.correcting import Correction, Models
from gfm.serve.edits import (
    Action,
    Edit,
    Edits,
    History,
    Step,
    check_inside,
    read_action,
    read_history,
)
from gfm.serve.jobs import Jobs
from gfm.serve.limits import Limits, Refused, check_picture
from gfm.serve.refusing import attempt
from gfm.serve.responses import HeldResponse
from gfm.serve.sessions import Held, Sessions
from gfm.serve.steps import click_steps
from gfm.serve.upload import Files, Upload
from rssn.imaging.photographs import read_photograph

T = TypeVar("T")

Version = Literal["corrected", "automatic", "unrefined"]
FORM = {
    "image": "A photograph: JPEG, PNG, WebP, TIFF or BMP",
    "trimap": "Trimap for it: 0 background, 128 unknown, 255 foreground",
    "mask": "Coarse mask of the object, in place of a trimap",
}
STATE = {"state": "Corrections to begin with, as GET /sessions/ID gives them"}


class State(Edits, frozen=True):
    """A session: what it holds, and its corrections."""

    id: str
    width: int
    height: int
    revision: int = Field(description="Grows with every change")
    takes_clicks: bool = Field(description="The server has a click model")
    refined: bool = Field(description="The automatic matte was refined; `unrefined` differs")


class Changed(BaseModel):
    """A session after a correction."""

    revision: int
    count: int = Field(description="Corrections in effect")
    undone: int = Field(description="Corrections that redo can make again")
    edit: Edit | None = Field(description="The correction that was added")


class Picture(BaseModel, extra="forbid"):
    """Query of `GET /sessions/ID/matte`."""

    output: Output | Literal["layers"] = "rgba"
    format: Format = "png"
    side: Annotated[int, Field(ge=0, description="Longest side in px; 0 is full size")] = 0
    version: Version = "corrected"


def form_body(fields: dict[str, str]) -> dict[str, object]:
    """OpenAPI of an upload."""
    files = {
        name: {"type": "string", "format": "binary", "description": text}
        for name, text in fields.items()
        if name != "state"
    }
    texts = {
        name: {"type": "string", "description": fields[name]} for name in fields.keys() - files
    }
    schema = {"type": "object", "required": ["image"], "properties": files | texts}
    raw = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"content": {"multipart/form-data": {"schema": schema}, "image/*": raw}}}


def create_routes(models: Models, limits: Limits) -> APIRouter:
    """The addresses under /sessions."""
    router = APIRouter(prefix="/sessions", tags=["sessions"])

    @router.post("", status_code=201, openapi_extra=form_body(FORM | STATE))
    async def open_session(request: Request) -> State:
        """Send a photograph, get its automatic matte and a session to correct it."""
        jobs, sessions = _parts(request)
        upload = Upload(request, limits)
        with jobs.place():
            try:
                files = await upload.read()
                width, height = check_files(files, limits)
                size = sessions.make_room(width * height)
            except Refused:
                await upload.drain()
                raise
            job = partial(_open, models, files)
            correction, history = await jobs.run(lambda: attempt(job))
            sessions.make_room(width * height)
            return _state(sessions.add(correction, history, size), models)

    @router.get("/{session}")
    async def get_session(session: str, request: Request) -> State:
        """Its size and corrections; `POST /sessions` takes these as `state`."""
        return _state(_parts(request)[1].find(session), models)

    @router.delete("/{session}", status_code=204)
    async def delete_session(session: str, request: Request) -> Response:
        """End it."""
        sessions = _parts(request)[1]
        sessions.find(session)
        sessions.end(session)
        return Response(status_code=204)

    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Action"}}}}

    @router.post("/{session}/clicks", openapi_extra={"requestBody": body})
    async def correct(
        session: str, request: Request, after: Annotated[int | None, Query(ge=0)] = None
    ) -> Changed:
        """Click, paint, undo, redo or clear; `after` is the revision that you saw."""
        jobs, sessions = _parts(request)
        held = sessions.find(session)
        with held.turn():
            action = read_action(await Upload(request, limits).read_text())
            return await _run(jobs, partial(_correct, held, action, after))

    @router.get("/{session}/clicks")
    async def get_clicks(session: str, request: Request) -> Response:
        """Clicks, and a few along each stroke, as `gfm matte --clicks` takes them."""
        held = _parts(request)[1].find(session)
        text = clicks_of(held).to_json()
        return Response(text, media_type="application/json")

    @router.get("/{session}/matte", response_class=Response)
    async def get_matte(
        session: str, request: Request, options: Annotated[Picture, Query()]
    ) -> Response:
        """The matte as a picture; `layers` is a form of colours (JPEG) and opacity (PNG)."""
        jobs, sessions = _parts(request)
        held = sessions.find(session)
        with ExitStack() as place:
            place.enter_context(held.turn())
            answer, revision = await _run(jobs, partial(_draw, held, options))
            response = HeldResponse(
                answer.content, answer.media_type, place.pop_all(), limits.seconds
            )
            response.headers["Revision"] = str(revision)
            return response

    @router.get("/{session}/photograph", response_class=Response)
    async def get_photograph(
        session: str, request: Request, side: Annotated[int, Query(ge=0)] = 0
    ) -> Response:
        """The photograph, upright, as a JPEG."""
        jobs, sessions = _parts(request)
        held = sessions.find(session)
        with ExitStack() as place:
            place.enter_context(held.turn())
            photograph = held.correction.photograph
            answer = await _run(jobs, partial(draw_photograph, photograph, side))
            return HeldResponse(answer.content, answer.media_type, place.pop_all(), limits.seconds)

    return router


def check_files(files: Files, limits: Limits) -> tuple[int, int]:
    """Look at the heads of uploaded files.

    Returns:
        Width and height of the photograph.

    Raises:
        Refused: As `check_picture`.
    """
    for name in ("trimap", "mask"):
        if (data := getattr(files, name)) is not None:
            check_picture(data, limits, name)
    return check_picture(files.image, limits)


def clicks_of(held: Held) -> Clicks:
    """The clicks that the click model got."""
    height, width = held.correction.size
    clicks = Clicks(width, height)
    for step in click_steps(held.history.edits):
        clicks = clicks.add_step(*step)
    return clicks


async def _run(jobs: Jobs, job: Callable[[], T]) -> T:
    return await jobs.run(partial(attempt, job))


def _parts(request: Request) -> tuple[Jobs, Sessions]:
    return request.app.state.jobs, request.app.state.sessions


def _state(held: Held, models: Models) -> State:
    height, width = held.correction.size
    return State(
        id=held.id,
        width=width,
        height=height,
        revision=held.history.revision,
        takes_clicks=models.open_clicks is not None,
        refined=held.correction.unrefined is not None,
        edits=held.history.edits,
        undone=held.history.undone,
    )


def _open(models: Models, files: Files) -> tuple[Correction, History]:
    photograph = read_photograph(files.image, NAME)
    history = History() if files.state is None else read_history(files.state)
    height, width = photograph.pixels.shape[:2]
    check_inside(history.edits + history.undone, width, height)
    correction = Correction(photograph, models, read_guidance(files, photograph))
    edits = correction.settled(history.edits)
    correction.apply(edits)
    return correction, replace(history, edits=edits)


def _correct(held: Held, action: Action, after: int | None) -> Changed:
    history, correction = held.history, held.correction
    if after is not None and after != history.revision:
        raise Refused(
            409,
            f"the session was changed meanwhile, perhaps in another window (it is at revision "
            f"{history.revision}, not {after}); get its state, and try again",
        )
    made = history.after(action)
    height, width = correction.size
    check_inside(made.edits[-1:], width, height)
    made = replace(made, edits=correction.settled(made.edits))
    correction.apply(made.edits)
    added = None if isinstance(action, Step) else made.edits[-1]
    if added is not None and added.mark == "unknown":
        correction.matte(made.edits)  # fails now where it would fail later
    held.history = made
    return Changed(
        revision=made.revision, count=len(made.edits), undone=len(made.undone), edit=added
    )


def _draw(held: Held, options: Picture) -> tuple[Answer, int]:
    """A picture of the newest state, and its revision."""
    history, correction = held.history, held.correction
    made = _version(correction, history, options.version)
    if options.output == "layers":
        answer = draw_layers(made, correction.photograph, options.side)
    else:
        answer = draw(made, correction.photograph, options.output, options.format, options.side)
    return answer, history.revision


def _version(correction: Correction, history: History, version: Version) -> Matte:
    if version == "corrected":
        return correction.matte(history.edits)
    return correction.first if version == "automatic" else correction.unrefined_matte()
