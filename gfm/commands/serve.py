"""`python -m gfm serve`: a page for people and `POST /matte` for programs."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import cv2
import numpy as np
from numpy.typing import NDArray

import gfm
from gfm.checkpoints import packaged
from gfm.serve.variables import TOKEN_VARIABLE
from rssn.imaging.errors import InputError, how_to_install
from rssn.imaging.extras import is_installed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--model", help="model file, its folder, or hub id (the small one inside)")
    parser.add_argument(
        "--clicks", metavar="MODEL", help="click model for corrections (the small one inside)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default 8000)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--max-bytes", metavar="SIZE", default="50MB", help="of a file (default 50MB)"
    )
    parser.add_argument(
        "--max-megapixels", type=int, default=60, help="of a photograph (default 60)"
    )
    parser.add_argument(
        "--max-memory",
        metavar="SIZE",
        help="such as 4GB: large photographs are matted in tiles that fit (default: no limit)",
    )
    parser.add_argument("--queue", type=int, default=8, help="photographs that wait (default 8)")
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds for a photograph (default 300)"
    )
    parser.add_argument(
        "--max-sessions", type=int, default=64, help="photographs under correction (default 64)"
    )
    parser.add_argument(
        "--session-memory",
        metavar="SIZE",
        default="4GB",
        help="of all photographs under correction (default 4GB)",
    )
    parser.add_argument(
        "--session-minutes",
        type=float,
        default=30,
        help="without use until a correction ends (default 30)",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="answer to this name, too, such as that of a proxy; may be repeated (IP addresses, "
        "localhost and --host are always answered)",
    )
    parser.add_argument(
        "--token",
        help=f"let in only who sends it; {TOKEN_VARIABLE} in the environment hides it from other "
        "users' lists of processes",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors and warnings")


def run(options: argparse.Namespace) -> None:
    """Serve until Ctrl-C.

    Raises:
        InputError: No such model or device, a limit out of range, an unusable name or token, an
            address that is taken, or the packages of the `web` extra are missing.
    """
    try:
        import uvicorn

        from gfm.serve.access import Access, is_loopback
        from gfm.serve.application import create_app
        from gfm.serve.clicking import opener
        from gfm.serve.limits import Limits, parse_bytes
    except ModuleNotFoundError as error:
        raise InputError(
            f"gfm serve needs the package {error.name}; {how_to_install('web')}"
        ) from None
    limits = Limits(
        max_bytes=parse_bytes("--max-bytes", options.max_bytes),
        max_pixels=options.max_megapixels * 10**6,
        queue=options.queue,
        seconds=options.timeout,
        max_memory=parse_bytes("--max-memory", options.max_memory) if options.max_memory else None,
        sessions=options.max_sessions,
        session_memory=parse_bytes("--session-memory", options.session_memory),
        idle=60 * options.session_minutes,
    )
    token = options.token if options.token is not None else os.environ.get(TOKEN_VARIABLE)
    names = [] if ":" in options.host else [options.host]  # an IPv6 address is answered anyway
    access = Access((*names, *options.allow_host), token)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # clients get its complaints
    with _listen(options.host, options.port) as listening:
        model = gfm.load_model(options.model, options.device)
        # Loads, compiles, and sees that the limit on memory can be kept, before anybody waits.
        gfm.matte(_first_picture(), model, max_memory=limits.max_memory)
        name = Path(options.model or packaged.LITE).name
        clicks = options.clicks or _packaged_clicks()
        open_clicks = opener(gfm.load_model(clicks, options.device)) if clicks else None
        app = create_app(model, limits, name, access, open_clicks)
        config = uvicorn.Config(
            app, log_level="warning", server_header=False, timeout_graceful_shutdown=5
        )
        if token is None and not is_loopback(options.host):
            sys.stderr.write(_warning(options.host))  # also with --quiet
        if not options.quiet:
            address = _address(listening) + (f"/#token={quote(token, safe='')}" if token else "")
            sys.stderr.write(f"{name} on {model.describe()}: open {address} (Ctrl-C ends)\n")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def _packaged_clicks() -> str | None:
    """The packaged click model; None where it is not there, or needs PyTorch and that is not."""
    name = packaged.CLICKS
    if is_installed("torch") and packaged.is_packaged(name):
        return name
    return name if packaged.find_packaged(name, packaged.EXPORTED) else None


def _listen(host: str, port: int) -> socket.socket:
    """Bind the address before the model is loaded; uvicorn only exits if it is in use."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"--host {host} --port {port}: cannot be listened on ({reason}); choose others"
        ) from None
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _warning(host: str) -> str:
    lines = (
        f"WARNING: --host {host} without --token: everybody who reaches this machine over the",
        "network can use this server, without a password. Set a token of your choice by",
        f"--token or {TOKEN_VARIABLE}, or leave --host out to serve this machine alone.",
        "Nothing is encrypted: for use over other networks put a proxy with TLS before it.",
    )
    rule = "!" * max(map(len, lines))
    return "\n".join((rule, *lines, rule)) + "\n"


def _first_picture() -> NDArray[np.uint8]:
    """Draw a disc, uint8 RGB (128, 128, 3), whose matte has an edge to refine."""
    picture = np.full((128, 128, 3), (40, 70, 120), np.uint8)
    cv2.circle(picture, (64, 64), 32, (220, 60, 50), cv2.FILLED, cv2.LINE_AA)
    return picture
