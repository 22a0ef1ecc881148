"""`gfm serve` as a process of its own, for tests of the whole."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gfm.serve.variables import TOKEN_VARIABLE
from rssn.imaging.errors import InputError

START_SECONDS = 300  # imports and compiles; long on a busy machine
END_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server: its port on this machine, and its process id."""

    port: int
    pid: int

    def memory(self) -> int:
        """Bytes that it holds in main memory (Linux)."""
        pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(
    model: Path | str, *options: str, gfm: Sequence[str] = (sys.executable, "-m", "gfm")
) -> Iterator[Server]:
    """Run `gfm serve` on a free port, and interrupt it at the end.

    Args:
        model: A model file, or the name of a packaged model.
        options: Others of the command.
        gfm: How `gfm` is started.

    Raises:
        InputError: It does not start, fails, or writes more than its address; with what it wrote.
    """
    command = [*gfm, "serve", "--model", str(model), "--port", "0", *options]
    environment = {k: v for k, v in os.environ.items() if k != TOKEN_VARIABLE}  # not the user's
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stderr=log, env=environment)
        try:
            yield Server(_wait_for_port(process, log), process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        rest = _read(log).partition("\n")[2]
        if process.returncode or rest:
            raise InputError(f"gfm serve ended with {process.returncode} and wrote: {rest}")


def _wait_for_port(process: subprocess.Popen[bytes], log: IO[bytes]) -> int:
    end = time.monotonic() + START_SECONDS
    while not (found := re.match(r".* open http://127\.0\.0\.1:(\d+) .*\n", _read(log))):
        if process.poll() is not None or time.monotonic() > end:
            raise InputError(f"gfm serve does not start: {_read(log).strip() or 'no word'}")
        time.sleep(0.1)
    return int(found[1])


def _read(log: IO[bytes]) -> str:
    """All that was written, without moving the place in the file, which both processes share."""
    return os.pread(log.fileno(), 10**6, 0).decode(errors="replace")
