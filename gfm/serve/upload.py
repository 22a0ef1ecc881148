"""The body of a request: read in memory, within its limits, whatever the client does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from gfm.serve.limits import KINDS, Limits, Refused

ENVELOPE = 4096  # bytes that a form may add to the file in it
DRAIN_SECONDS = 10


class Upload:
    """The photograph that a request brings, as a form with one file or as the body itself."""

    def __init__(self, request: Request, limits: Limits) -> None:
        self.request, self.limits = request, limits
        self.ended = False

    async def read(self) -> bytes:
        """The file.

        Raises:
            Refused: 400 nothing there or a broken form, 408 too slow, 413 too large.
            ClientDisconnect: The client is gone.
        """
        kind = self.request.headers.get("content-type", "").lower()
        form = kind.startswith("multipart/form-data")
        allowed = self.limits.max_bytes + (ENVELOPE if form else 0)
        declared = self.request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > allowed:
            raise self._too_large()
        try:
            async with asyncio.timeout(self.limits.seconds):
                data = await (self._from_form(allowed) if form else self._whole(allowed))
        except TimeoutError:
            self.ended = True  # the rest is not waited for, either
            raise Refused(
                408,
                f"the upload took longer than {self.limits.seconds:g} s; send a smaller file",
            ) from None
        if len(data) > self.limits.max_bytes:
            raise self._too_large()
        if not data:
            raise Refused(400, f"no photograph was sent (0 bytes); send a {KINDS} file")
        return data

    async def drain(self) -> None:
        """Read on without keeping anything, so that the client comes to read the answer.

        A connection that is closed while the client still sends loses the answer.
        """
        if "expect" in self.request.headers:  # it asks before it sends
            return
        with suppress(TimeoutError, ClientDisconnect, Refused):
            async with asyncio.timeout(DRAIN_SECONDS):
                async for _ in self._chunks(self.limits.max_bytes):
                    pass

    async def _chunks(self, allowed: int) -> AsyncGenerator[bytes, None]:
        while not self.ended:
            message = await self.request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self.ended = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            allowed -= len(chunk)
            if allowed < 0:
                raise self._too_large()
            yield chunk

    async def _whole(self, allowed: int) -> bytes:
        return b"".join([chunk async for chunk in self._chunks(allowed)])

    async def _from_form(self, allowed: int) -> bytes:
        parser = MultiPartParser(
            self.request.headers, self._chunks(allowed), max_files=1, max_fields=8
        )
        parser.spool_max_size = allowed  # never on disk
        try:
            form = await parser.parse()
        except (MultiPartException, FormParserError) as error:  # the latter with starlette 1.2
            raise Refused(
                400, f"the form cannot be read ({str(error).rstrip('.')}); send one file in it"
            ) from None
        try:
            files = [part for part in form.values() if isinstance(part, UploadFile)]
            if not files:
                raise Refused(400, "no file is in the form; send one, like -F image=@photo.jpg")
            return await files[0].read()
        finally:
            await form.close()

    def _too_large(self) -> Refused:
        return Refused(
            413,
            f"the file is larger than {self.limits.max_bytes / 1e6:g} MB; send a smaller one",
        )
