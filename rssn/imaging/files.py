"""Atomic file writes, and errors that name the file."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rssn.imaging.errors import InputError, one_line

if TYPE_CHECKING:
    from rssn.imaging.locations import Location

TEMPORARY = ".part"


@contextmanager
def whole_file(path: Location) -> Iterator[Path]:
    """Yield a temporary path on this machine; the file written there becomes `path` at the end.

    An error leaves nothing behind; a kill leaves a file beside `path` that ends in `TEMPORARY` (or
    one in the system's temporary folder, if `path` is in an object store). An `OSError` of a store
    has `path` as its `filename`.
    """
    if not isinstance(path, Path):
        from rssn.imaging.locations import store_of  # loads fsspec, which many commands do without

        with TemporaryDirectory(prefix="rssn-") as folder:
            yield (part := Path(folder) / path.name)
            try:
                store_of(path).put_file(str(part), path.path)  # only whole uploads are shown
            except Exception as error:  # in the words of its store; some cannot leave a process
                raise OSError(errno.EIO, one_line(error), str(path)) from error
        return
    # Not the process's number, which is the same in two containers that share a folder.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())  # or a power failure leaves the name without the content
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def write_whole(path: Location, data: bytes) -> None:
    """Write a file atomically."""
    with whole_file(path) as part:
        part.write_bytes(data)


@contextmanager
def write_errors(
    place: object, remedy: str = "choose another place", also: type[Exception] = OSError
) -> Iterator[None]:
    """Convert write errors, `also` of a library, into an `InputError` that names the place."""
    try:
        yield
    except (OSError, also) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"{place}: cannot be written ({reason}); {remedy}") from error


def make_folder(folder: Path, name: object = None) -> None:
    """Create a folder and its parents; an `InputError`, with its `name`, if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"{name or folder}: no folder can be made there ({error.strerror})"
        raise InputError(f"{what}; choose another place") from error
