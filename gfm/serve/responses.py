"""Headers of every answer, and the sending of large ones."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
CHUNK = 256 * 1024  # bytes


class SecureHeaders:
    """Middleware: the page may load from this server alone, and answers are not kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class HeldResponse(Response):
    """An answer that is sent at the pace of its reader and holds its place in line until then.

    So the memory is bounded even where clients read slowly.

    Args:
        content: The body.
        media_type: Its type.
        place: Closed when the answer is sent or given up.
        seconds: After which it is given up.
    """

    def __init__(self, content: bytes, media_type: str, place: ExitStack, seconds: float) -> None:
        super().__init__(content, media_type=media_type)
        self.place, self.seconds = place, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send in pieces, each when the client has taken the one before."""
        with self.place, suppress(TimeoutError):
            async with asyncio.timeout(self.seconds):
                start = {"type": "http.response.start", "status": self.status_code}
                await send(start | {"headers": self.raw_headers})
                for first in range(0, len(self.body), CHUNK):
                    chunk = self.body[first : first + CHUNK]
                    more = first + CHUNK < len(self.body)
                    body = {"type": "http.response.body", "body": bytes(chunk), "more_body": more}
                    await send(body)
