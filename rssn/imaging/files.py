"""Files that are whole under their name, or not there, and errors that name them."""

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
    """Give a temporary name on this machine; what is written there gets its name at the end.

    After an error nothing is left behind; after a kill, a file beside `path` that ends in
    `TEMPORARY` (or one in the system's temporary folder, where `path` is in an object store).

    Raises:
        OSError: The disk or the store refuses; its `filename` is `path` where a store does.
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


@contextmanager
def write_errors(
    place: object, remedy: str = "choose another place", also: type[Exception] = OSError
) -> Iterator[None]:
    """Turn what a disk refuses into a message that names the file as the user did.

    Args:
        place: The file, or the option that names it.
        remedy: What to do about it.
        also: Another error that means the same, of a library that writes.

    Raises:
        InputError: In their place.
    """
    try:
        yield
    except (OSError, also) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"{place}: cannot be written ({reason}); {remedy}") from error


def make_folder(folder: Path, name: object = None, remedy: str = "choose another place") -> None:
    """Make a folder, and those that it lies in, unless it is there.

    Args:
        folder: Which.
        name: Stands in the error instead of the path.
        remedy: What to do about it.

    Raises:
        InputError: A file or the disk is in the way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{name or folder}: no folder can be made there ({error.strerror}); {remedy}"
        ) from error
