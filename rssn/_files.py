"""Files that are whole under their name, or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from rssn.locations import Location

TEMPORARY = ".part"


@contextmanager
def whole_file(path: Location) -> Iterator[Path]:
    """Give a temporary name on this machine; what is written there gets its name at the end.

    After an error nothing is left behind; after a kill, a file beside `path` that ends in
    `TEMPORARY` (or one in the system's temporary folder, where `path` is in an object store).
    """
    if not isinstance(path, Path):
        with TemporaryDirectory(prefix="rssn-") as folder:
            yield (part := Path(folder) / path.name)
            path.fs.put_file(str(part), path.path)  # object stores show only whole uploads
        return
    part = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())  # or a power failure leaves the name without the content
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
