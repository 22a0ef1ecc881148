"""The body of a request: read in memory, within its limits, whatever the client does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from gfm.serve.edits import MOST_JSON
from gfm.serve.limits import KINDS, Limits, Refused

T = TypeVar("T")

ENVELOPE = 4096  # bytes that a form may add to what is in it
GUIDANCE = ("trimap", "mask")  # names of files in a form; any other is the photograph
DRAIN_SECONDS = 10


@dataclass(frozen=True)
class Files:
    """Files of an upload.

    Attributes:
        image: The photograph, as a file.
        trimap: A trimap for it, as a file.
        mask: A mask of it, as a file.
        state: Corrections in JSON, of `GET /sessions/ID`.
    """

    image: bytes
    trimap: bytes | None = None
    mask: bytes | None = None
    state: bytes | None = None


class Upload:
    """Body of a request: a form with a photograph and its guidance, or the photograph itself."""

    def __init__(self, request: Request, limits: Limits) -> None:
        self.request, self.limits = request, limits
        self.ended = False

    async def read(self) -> Files:
        """The photograph, and the guidance beside it.

        Raises:
            Refused: 400 nothing there or a broken form, 408 too slow, 413 too large.
            ClientDisconnect: The client is gone.
        """
        kind = self.request.headers.get("content-type", "").lower()
        form = kind.startswith("multipart/form-data")
        most = self.limits.max_bytes
        allowed = (1 + form) * most + (MOST_JSON + ENVELOPE) * form
        if form:
            files = await self._in_time(self._from_form(allowed))
        else:
            files = Files(await self._in_time(self._whole(allowed)))
        for data in (files.image, files.trimap, files.mask):
            if data is not None and len(data) > most:
                raise self._too_large()
        if not files.image:
            raise Refused(400, f"no photograph was sent (0 bytes); send a {KINDS} file")
        return files

    async def read_text(self) -> bytes:
        """A body of JSON.

        Raises:
            Refused: 408 too slow, 413 too large.
            ClientDisconnect: The client is gone.
        """
        return await self._in_time(self._whole(MOST_JSON))

    async def _in_time(self, reading: Coroutine[None, None, T]) -> T:
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await reading
        except TimeoutError:
            self.ended = True  # the rest is not waited for, either
            raise Refused(
                408,
                f"the upload took longer than {self.limits.seconds:g} s; send a smaller file",
            ) from None

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

    def _check_declared(self, allowed: int) -> None:
        declared = self.request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > allowed:
            raise self._too_large()

    async def _whole(self, allowed: int) -> bytes:
        self._check_declared(allowed)
        return b"".join([chunk async for chunk in self._chunks(allowed)])

    async def _from_form(self, allowed: int) -> Files:
        self._check_declared(allowed)
        parser = MultiPartParser(
            self.request.headers,
            self._chunks(allowed),
            max_files=3,
            max_fields=8,
            max_part_size=MOST_JSON,
        )
        parser.spool_max_size = allowed  # never on disk
        try:
            form = await parser.parse()
        except (MultiPartException, FormParserError) as error:  # the latter with starlette 1.2
            raise Refused(
                400, f"the form cannot be read ({str(error).rstrip('.')}); send one file in it"
            ) from None
        try:
            return await _files(form)
        finally:
            await form.close()

    def _too_large(self) -> Refused:
        return Refused(
            413,
            f"the file is larger than {self.limits.max_bytes / 1e6:g} MB; send a smaller one",
        )


async def _files(form: FormData) -> Files:
    """Files of a form by their roles."""
    guidance: dict[str, bytes] = {}
    photographs = []
    for name, part in form.multi_items():
        if name == "state":
            data = part.encode() if isinstance(part, str) else await part.read()
            guidance[name] = data
        elif isinstance(part, UploadFile):
            data = await part.read()
            if name in GUIDANCE and not data:
                raise Refused(400, f"the {name} is empty (0 bytes); send a {KINDS} file")
            if name in GUIDANCE:
                guidance[name] = data
            else:
                photographs.append(data)
    if not photographs:
        raise Refused(400, "no file is in the form; send one, like -F image=@photo.jpg")
    if len(photographs) > 1:
        raise Refused(
            400,
            "several photographs are in the form; send one, and call a file of guidance trimap or "
            "mask",
        )
    return Files(photographs[0], **guidance)
