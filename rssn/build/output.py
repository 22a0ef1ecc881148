"""Folder that a build writes to: checks, lock and leftovers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from rssn.imaging.errors import InputError
from rssn.imaging.files import TEMPORARY, write_errors
from rssn.imaging.locations import Location
from rssn.shards.tars import ShardInfo

if sys.platform != "win32":
    import fcntl


def cache_folder(cache: Path | None, folder: Location) -> Path:
    """Folder of the prepared sources of a build, `folder`/.cache by default.

    Raises:
        InputError: The build writes to an object store, and no folder here was given.
    """
    if cache is not None:
        return cache
    if isinstance(folder, Path):
        return folder / ".cache"
    raise InputError(
        f"out={folder} is not on this machine; give --cache DIR, a folder here for the prepared "
        "sources"
    )


def check_empty(folder: Location, resume: bool) -> None:
    """Refuse a folder that is not empty, unless a build is to be resumed.

    Raises:
        InputError: The folder is not empty.
    """
    if not resume and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"out={folder} is not empty; --resume continues the build in it, a new build needs "
            "another folder"
        )


@contextmanager
def claimed(folder: Location) -> Iterator[None]:
    """Create the folder of a build, and keep other builds out of it until this one ends.

    The lock is the system's and ends with the process, so that there are no stale locks. Object
    stores have none: see `Manifest.begin`.

    Raises:
        InputError: Another build writes to the folder, it is a file, or it is not writable.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out={folder} is a file; give a folder")
    if isinstance(folder, Path):
        with write_errors(f"out={folder}", "give another folder"):
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass  # or it would fail after hours of work
    if not isinstance(folder, Path) or sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise InputError(
            f"out={folder}: another build is writing to it; wait for its end, or give another "
            "folder"
        ) from None
    except OSError:
        pass  # some network disks cannot lock a folder
    try:
        yield
    finally:
        os.close(handle)


def clear_leftovers(folder: Location) -> None:
    """Remove half-written files of a killed build from a folder on this machine."""
    if isinstance(folder, Path):
        for leftover in folder.rglob(f"*{TEMPORARY}"):
            leftover.unlink(missing_ok=True)


def check_all_there(folder: Location, shards: Sequence[ShardInfo]) -> None:
    """Check that no shard was removed during the build.

    Raises:
        InputError: Shards are missing.
    """
    gone = [shard.name for shard in shards if not (folder / shard.name).is_file()]
    if gone:
        raise InputError(
            f"{folder}: {gone[0]} and {len(gone) - 1} more shards were removed while the others "
            "were built; continue with --resume"
        )
