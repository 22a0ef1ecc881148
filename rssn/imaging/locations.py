"""Folders on this machine or in an object store, under one type."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tarfile import TarError
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rssn.imaging.errors import FailedInputs, InputError, how_to_install, one_line

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

if TYPE_CHECKING:
    from upath import UPath

    Location: TypeAlias = Path | UPath
    """A pathlib path, or one of an object store with the same methods."""
else:
    Location = Path  # universal-pathlib is loaded for an address only


def locate(url: str | Path | UPath) -> Location:
    """Convert a path or an address that fsspec supports (file://, s3://, gs://, ...) to a location.

    Raises:
        InputError: The address is unsupported, has no bucket, or needs a package that is missing.
    """
    if not isinstance(url, str | Path):
        return url
    scheme, separator, _ = str(url).partition("://")
    if not separator:
        return Path(url)
    if scheme == "file":
        return Path(url2pathname(urlsplit(str(url)).path))
    try:
        from upath import UPath

        place = UPath(str(url))
        _ = place.fs  # loads the package behind this kind of address
    except (ImportError, ValueError) as error:
        raise InputError(
            f"{url}: cannot be used ({error}); give a folder, file:///..., or s3://bucket/... or "
            f"gs://bucket/... with its package installed: {how_to_install('cloud')}"
        ) from None
    return place


def store_of(place: UPath) -> Any:  # noqa: ANN401 - fsspec has no types
    """The object store of a location for this process.

    `place.fs` refuses to work in a process forked from its own, such as a loader's worker.
    """
    from upath import UPath

    return UPath(str(place), **place.storage_options).fs


@contextmanager
def told_errors(
    place: Location,
    remedy: str,
    store_remedy: str = "check address, credentials and network",
    use: str = "read",
) -> Iterator[None]:
    """Convert errors of a disk, a store or a tar into an `InputError` that names file or place.

    `store_remedy` is for errors of a store other than a missing file; `use` is "read", "written"
    or both.
    """
    try:
        yield
    except (InputError, FailedInputs):
        raise
    except Exception as error:
        where = getattr(error, "filename", None) or place
        if isinstance(error, OSError) and error.errno in _DISK_FULL:
            raise InputError(
                f"{where}: the disk is full; make room (or put --cache on another disk) and "
                "continue with --resume"
            ) from error
        # Each store has errors of its own for a wrong key or a lost connection.
        if isinstance(place, Path) and not isinstance(error, OSError | TarError):
            raise
        if not isinstance(place, Path) and not isinstance(error, FileNotFoundError | TarError):
            remedy = store_remedy
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"{where}: cannot be {use} ({reason}); {remedy}") from error
