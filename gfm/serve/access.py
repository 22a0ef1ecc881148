"""Access to the server: the names that it answers to, and its token."""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gfm.serve.limits import Limits
from gfm.serve.pages import PAGE
from gfm.serve.upload import Upload
from rssn.imaging.errors import InputError

TOKEN_LETTERS = 16  # at least
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]/@]+))(?::\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Access:
    """Hosts and token that the server accepts.

    Attributes:
        hosts: Names in the Host header that are answered, besides `localhost` and IP addresses.
        token: What programs send as `Authorization: Bearer TOKEN`; None lets everybody in.

    Raises:
        InputError: A name that no Host header can hold, or a token that is short or holds spaces or
            letters beyond ASCII.
    """

    hosts: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for host in self.hosts:
            if host_name(host) != host.lower():
                raise InputError(
                    f"--allow-host {host}: is no host name; give one without port and path, such "
                    "as matting.example.org"
                )
        token = self.token
        if token is not None and not re.fullmatch(rf"[!-~]{{{TOKEN_LETTERS},}}", token):
            raise InputError(
                f"--token: {len(token)} characters were given; at least {TOKEN_LETTERS} of ASCII "
                'without spaces are allowed, such as those of `python -c "import secrets; '
                'print(secrets.token_urlsafe())"`'
            )

    def answers_to(self, host: str) -> bool:
        """The Host header names this server.

        Note:
            A page of another site reaches a local server under a name whose address it changes (DNS
            rebinding). The browser still sends that name; it cannot be an IP address.
        """
        name = host_name(host)
        return name is not None and (
            name == "localhost" or _is_address(name) or name in {h.lower() for h in self.hosts}
        )

    def is_token(self, authorization: str) -> bool:
        """The Authorization header holds the token, or none is needed."""
        if self.token is None:
            return True
        kind, _, given = authorization.partition(" ")
        same = secrets.compare_digest(given.strip().encode(), self.token.encode())
        return same and kind.lower() == "bearer"


def host_name(header: str) -> str | None:
    """The name in a Host header, without its port, in lower case; None for no such header."""
    found = _HOST.fullmatch(header)
    return (found[1] or found[2]).lower() if found else None


def is_loopback(host: str) -> bool:
    """Only this machine reaches a server that listens on this address."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class AccessCheck:
    """Middleware that refuses what `Access` does not allow, before anything of it is read."""

    def __init__(self, app: ASGIApp, access: Access, limits: Limits) -> None:
        self.app, self.access, self.limits = app, access, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with 403 (another host) or 401 (no token)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        refusal = self._refusal(request)
        if refusal is None:
            await self.app(scope, receive, send)
            return
        await Upload(request, self.limits).drain()
        await refusal(scope, receive, send)

    def _refusal(self, request: Request) -> JSONResponse | None:
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self.access.answers_to(hosts[0]):
            return _no(403, _wrong_host(hosts))
        authorization = request.headers.get("authorization", "")
        if request.url.path not in PAGE and not self.access.is_token(authorization):
            message = (
                "this server needs its token; send the header 'Authorization: Bearer TOKEN', or "
                "open the page by the address with #token= that gfm serve printed"
            )
            return _no(401, message, {"WWW-Authenticate": "Bearer"})
        return None


def _wrong_host(hosts: Iterable[str]) -> str:
    named = ", ".join(repr(host[:100]) for host in hosts) or "no host"
    return (
        f"the request is for {named}, a name that this server does not have; use its IP address "
        "or localhost, or start gfm serve with --allow-host NAME"
    )


def _no(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message}, status, headers)
