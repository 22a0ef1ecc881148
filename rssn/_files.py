"""Files that are whole under their name, or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY = ".part"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; what is written there gets its name at the end.

    After an error nothing is left behind; after a kill, a file that ends in `TEMPORARY`.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield part
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
