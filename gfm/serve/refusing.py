"""Failures as answers: one sentence of JSON each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from gfm.serve.limits import Limits, Refused
from gfm.serve.upload import Upload
from rssn.imaging.errors import InputError

T = TypeVar("T")

GONE = 499  # by custom: the client closed the connection; nobody reads it
SUBJECTS = ("the photograph", "the trimap", "the mask")

_log = logging.getLogger("gfm.serve")


def attempt(job: Callable[[], T]) -> T:
    """Run a job of the worker.

    Raises:
        Refused: 413 too little memory, 422 input that does not fit, 500 any other failure.
    """
    try:
        return job()
    except Refused:
        raise
    except InputError as error:
        if str(error).startswith("max_memory="):  # of all options, only this one is the server's
            raise _too_little_memory(error) from None
        message = str(error)
        for subject in SUBJECTS:
            message = message.replace(f"{subject}: ", f"{subject} ", 1)
        raise Refused(422, message) from None
    except Exception as error:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # of torch
            raise _too_little_memory(error) from None
        _log.exception("a request failed")
        raise Refused(
            500, "the matting failed; the server's log says why; try another photograph"
        ) from error


def add_errors(app: FastAPI, limits: Limits) -> None:
    """Answer to failures with {"error": sentence}."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _error(error.status, error.message, error.retry_after)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(request: Request, error: RequestValidationError) -> Response:
        await Upload(request, limits).drain()
        first = error.errors()[0]
        name, given = first["loc"][-1], first["input"]
        if first["type"] == "extra_forbidden":
            return _error(400, f"{name}={given!r} is not known; /docs lists what is")
        allowed = first.get("ctx", {}).get("expected")
        remedy = f"choose {allowed}" if allowed else first["msg"].lower()
        return _error(400, f"{name}={given!r} is not supported; {remedy}")

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        remedy = "POST a photograph to /matte, or open / in a browser"
        message = f"{request.method} {request.url.path}: {error.detail}; {remedy}"
        return _error(error.status_code, message)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=GONE)


def _too_little_memory(error: Exception) -> Refused:
    _log.warning("a photograph needs more memory: %s", error)
    return Refused(413, "the photograph needs more memory than this server has; send a smaller one")


def _error(status: int, message: str, retry_after: int | None = None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse({"error": message}, status, headers)
