"""`python -m gfm.serve.healthy [PORT]`: health check of the image; 0 if the server answers."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection

from gfm.serve.variables import TOKEN_VARIABLE

SECONDS = 4


def is_healthy(port: int) -> bool:
    """Ask the server on this machine."""
    token = os.environ.get(TOKEN_VARIABLE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/health", headers=headers)
        return connection.getresponse().status == 200
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not is_healthy(int(sys.argv[1]) if len(sys.argv) > 1 else 8000))
