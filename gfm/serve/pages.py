"""Files of the page and of the description for programs; they hold nothing of anybody's."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from starlette.responses import Response

SCRIPTS = (
    *("script", "choosing", "sending", "session", "store", "stage", "marks", "pointing", "keys"),
    *("results", "docs"),
)
PAGE = {
    "/": ("index.html", "text/html"),
    "/docs": ("docs.html", "text/html"),
    "/style.css": ("style.css", "text/css"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    **{f"/{name}.js": (f"{name}.js", "text/javascript") for name in SCRIPTS},
}


def add_page(app: FastAPI) -> None:
    """Answer to the addresses of the page."""
    folder = files("gfm.serve") / "page"
    for path, (name, media_type) in PAGE.items():
        content = (folder / name).read_bytes()

        async def show(content: bytes = content, media_type: str = media_type) -> Response:
            return Response(content, media_type=media_type, headers={"Cache-Control": "no-cache"})

        app.add_api_route(path, show, methods=["GET", "HEAD"], include_in_schema=False)
