"""Folders on this machine or in an object store, under one type."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rssn.imaging.errors import FailedInputs, InputError, how_to_install, one_line

if TYPE_CHECKING:
    from upath import UPath

    Location: TypeAlias = Path | UPath
    """A pathlib path, or one of an object store with the same methods."""
else:
    Location = Path  # the package of the other is loaded where an address asks for it


def locate(url: str | Path | UPath) -> Location:
    """The location that a user named.

    Args:
        url: A path, a file:// address, or an address of any other kind that fsspec knows: s3://,
            gs://, abfs://, memory:// (for tests).

    Raises:
        InputError: The kind is unknown, names no bucket, or needs a package that is missing.
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
    """The object store of a location, as this process may use it.

    `place.fs` is of the process that made it: in one forked from it, as a loader's workers are, its
    connections are of no use, and it refuses. fsspec keeps one store for each process.
    """
    from upath import UPath

    return UPath(str(place), **place.storage_options).fs


@contextmanager
def told_errors(place: Location, remedy: str) -> Iterator[None]:
    """Turn what a disk or an object store refuses into a message that names the file or the place.

    Raises:
        InputError: In place of an OSError, and of whatever an object store's package raises.
    """
    try:
        yield
    except (InputError, FailedInputs):
        raise
    except Exception as error:
        where: object = place
        if isinstance(place, Path):
            if not isinstance(error, OSError):
                raise
            where, reason = error.filename or place, error.strerror or str(error)
        else:  # each store has errors of its own for a wrong key or a lost connection
            reason = one_line(error)
            if not isinstance(error, FileNotFoundError):
                remedy = "check address, credentials and network"
        raise InputError(f"{where}: cannot be read ({reason}); {remedy}") from error
