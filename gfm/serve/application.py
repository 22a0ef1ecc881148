"""The application: the page, `POST /matte`, `GET /health`, and errors as JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from importlib.resources import files
from typing import Annotated, TypeVar

import torch
from fastapi import FastAPI, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from gfm.models.contract import MattingModel
from gfm.serve.access import Access, AccessCheck
from gfm.serve.answers import NAME, Answer, Format, Output, check_format, cut_out
from gfm.serve.jobs import Jobs
from gfm.serve.limits import Limits, Refused, check_picture
from gfm.serve.responses import HeldResponse, SecureHeaders
from gfm.serve.upload import Upload
from rssn.imaging.errors import InputError

T = TypeVar("T")

PAGE = {
    "/": ("index.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/script.js": ("script.js", "text/javascript"),
    "/sending.js": ("sending.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
GONE = 499  # by custom: the client closed the connection; nobody reads it

_log = logging.getLogger("gfm.serve")


class Options(BaseModel, extra="forbid"):
    """What `POST /matte` takes in its query."""

    output: Output = "rgba"
    format: Format = "png"


def create_app(
    model: MattingModel,
    limits: Limits | None = None,
    name: str = "model",
    access: Access | None = None,
) -> FastAPI:
    """The application around a model.

    Args:
        model: A model of `gfm.load_model`.
        limits: How much is taken.
        name: Of the model, as `/health` and the page tell it.
        access: Who may ask; without a token, and by IP address or `localhost`, when None.
    """
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.jobs = Jobs(limits)
        yield
        app.state.jobs.close()

    app = FastAPI(title="GFM", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(AccessCheck, access=access or Access(), limits=limits)
    app.add_middleware(SecureHeaders)  # around the other, so that refusals have them, too
    _add_errors(app, limits)
    _add_page(app)

    @app.get("/health")
    async def health(request: Request) -> dict[str, object]:
        shown = {"bytes": limits.max_bytes, "pixels": limits.max_pixels, "queue": limits.queue}
        busy = request.app.state.jobs.busy
        return {"status": "ok", "model": name, "busy": busy, "limits": shown}

    @app.post("/matte")
    async def matte(request: Request, options: Annotated[Options, Query()]) -> Response:
        jobs: Jobs = request.app.state.jobs
        upload = Upload(request, limits)
        with ExitStack() as place:
            try:
                place.enter_context(jobs.place())
                data = await upload.read()
                size = await asyncio.to_thread(check_picture, data, limits)
                check_format(options.format, *size)
            except Refused:
                place.close()
                await upload.drain()
                raise
            work = jobs.run(partial(_answer, model, data, options, limits))
            answer = await _while_connected(request, work)
            return HeldResponse(answer.content, answer.media_type, place.pop_all(), limits.seconds)

    return app


def _answer(model: MattingModel, data: bytes, options: Options, limits: Limits) -> Answer:
    """The answer, with every failure as one that is told to the client in a line."""
    try:
        return cut_out(model, data, options.output, options.format, limits.max_memory)
    except (MemoryError, torch.OutOfMemoryError) as error:
        _log.warning("a photograph of %d bytes needs more memory: %s", len(data), error)
        raise Refused(
            413, "the photograph needs more memory than this server has; send a smaller one"
        ) from None
    except InputError as error:
        raise Refused(422, str(error).replace(f"{NAME}: ", f"{NAME} ", 1)) from None
    except Exception as error:
        _log.exception("a photograph of %d bytes failed", len(data))
        raise Refused(
            500, "the matting failed; the server's log says why; try another photograph"
        ) from error


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


def _add_page(app: FastAPI) -> None:
    folder = files("gfm.serve") / "page"
    for path, (name, media_type) in PAGE.items():
        content = (folder / name).read_bytes()

        async def show(content: bytes = content, media_type: str = media_type) -> Response:
            return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

        app.add_api_route(path, show, methods=["GET", "HEAD"])


def _add_errors(app: FastAPI, limits: Limits) -> None:
    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _error(error.status, error.message, error.retry_after)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(request: Request, error: RequestValidationError) -> Response:
        await Upload(request, limits).drain()
        first = error.errors()[0]
        name, given = first["loc"][-1], first["input"]
        if first["type"] == "extra_forbidden":
            return _error(400, f"{name}={given!r} is not known; choose 'output' or 'format'")
        allowed = first["ctx"]["expected"]
        return _error(400, f"{name}={given!r} is not supported; choose {allowed}")

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        remedy = "POST a photograph to /matte, or open / in a browser"
        message = f"{request.method} {request.url.path}: {error.detail}; {remedy}"
        return _error(error.status_code, message)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=GONE)


def _error(status: int, message: str, retry_after: int | None = None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": message}, status, headers)
