"""The application: the page, `POST /matte`, `/sessions`, `GET /health`, and errors as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import FastAPI, Query
from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gfm.serve.access import Access, AccessCheck
from gfm.serve.answers import Format, Output, check_format, cut_out
from gfm.serve.correcting import Models, OpenSession
from gfm.serve.edits import ACTION
from gfm.serve.jobs import Jobs
from gfm.serve.limits import Limits, Refused
from gfm.serve.pages import add_page
from gfm.serve.refusing import add_errors, attempt
from gfm.serve.responses import HeldResponse, SecureHeaders
from gfm.serve.session_routes import FORM, check_files, create_routes, form_body
from gfm.serve.sessions import Sessions
from gfm.serve.upload import Upload

if TYPE_CHECKING:
    from gfm.models.contract import MattingModel

T = TypeVar("T")

SWEEP_SECONDS = 30  # between looks for sessions that have ended


class Options(BaseModel, extra="forbid"):
    """Query of `POST /matte`."""

    output: Output = "rgba"
    format: Format = "png"


def create_app(
    model: MattingModel,
    limits: Limits | None = None,
    name: str = "model",
    access: Access | None = None,
    open_clicks: OpenSession | None = None,
) -> FastAPI:
    """The application around a model.

    Args:
        model: A model of `gfm.load_model`.
        limits: How much is taken.
        name: Of the model, as `/health` and the page tell it.
        access: Who may ask; without a token, and by IP address or `localhost`, when None.
        open_clicks: Opens the click model on a photograph; None takes brushes alone.
    """
    limits = limits or Limits()
    models = Models(model, open_clicks, limits.max_memory)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.jobs, app.state.sessions = Jobs(limits), Sessions(limits)
        sweeping = asyncio.create_task(_sweep(app.state.sessions))
        yield
        sweeping.cancel()
        app.state.jobs.close()

    app = FastAPI(title="GFM", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.add_middleware(AccessCheck, access=access or Access(), limits=limits)
    app.add_middleware(SecureHeaders)  # around the other, so that refusals have them, too
    add_errors(app, limits)
    add_page(app)
    _describe(app)
    app.include_router(create_routes(models, limits))

    @app.get("/health")
    async def health(request: Request) -> dict[str, object]:
        """Model, limits, and photographs that wait."""
        shown = {"bytes": limits.max_bytes, "pixels": limits.max_pixels, "queue": limits.queue}
        busy, sessions = request.app.state.jobs.busy, len(request.app.state.sessions)
        return {
            "status": "ok",
            "model": name,
            "busy": busy,
            "sessions": sessions,
            "takes_clicks": open_clicks is not None,
            "limits": shown,
        }

    @app.post("/matte", response_class=Response, openapi_extra=form_body(FORM))
    async def matte(request: Request, options: Annotated[Options, Query()]) -> Response:
        """Send a photograph, perhaps with a trimap or a mask, get its matte."""
        jobs: Jobs = request.app.state.jobs
        upload = Upload(request, limits)
        with ExitStack() as place:
            try:
                place.enter_context(jobs.place())
                files = await upload.read()
                size = await asyncio.to_thread(check_files, files, limits)
                check_format(options.format, *size)
            except Refused:
                place.close()
                await upload.drain()
                raise
            job = partial(cut_out, models, files, options.output, options.format)
            answer = await _while_connected(request, jobs.run(partial(attempt, job)))
            return HeldResponse(answer.content, answer.media_type, place.pop_all(), limits.seconds)

    return app


async def _while_connected(request: Request, work: Awaitable[T]) -> T:
    """Wait for the work, and leave it where the client goes away.

    Raises:
        ClientDisconnect: The client is gone.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())  # nothing else comes after the body
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()


async def _sweep(sessions: Sessions) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        sessions.sweep()


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI description what bodies that are read by hand look like."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        made = plain()
        schema = ACTION.json_schema(ref_template="#/components/schemas/{model}")
        parts = made.setdefault("components", {}).setdefault("schemas", {})
        parts.update(schema.pop("$defs"))
        parts["Action"] = schema
        return made

    app.openapi = described  # type: ignore[method-assign]
