"""The folder that a build writes to: what is asked of it, and what to do when it fails."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from rssn.imaging.errors import FailedInputs, InputError, one_line
from rssn.imaging.files import TEMPORARY, write_errors
from rssn.imaging.locations import Location
from rssn.shards.tars import ShardInfo

if sys.platform != "win32":
    import fcntl

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def told_build_errors(folder: Location) -> Iterator[None]:
    """Turn what a disk or an object store refuses into a message that says how to go on.

    Raises:
        InputError: In place of an OSError, and of whatever an object store's package raises.
    """
    remedy = "check the path"
    if not isinstance(folder, Path):
        remedy = "check address, credentials and network, and go on with --resume"
    try:
        yield
    except (InputError, FailedInputs):
        raise
    except OSError as error:
        where = error.filename or folder
        if error.errno in _DISK_FULL:
            raise InputError(
                f"{where}: the disk is full; make room (or put --cache on another disk) and go on "
                "with --resume"
            ) from error
        raise InputError(f"{where}: {error.strerror or error}; {remedy}") from error
    except Exception as error:
        if isinstance(folder, Path):
            raise
        # Each object store has errors of its own for a wrong key or a lost connection.
        raise InputError(f"{folder}: {one_line(error)}; {remedy}") from error


def cache_folder(cache: Path | None, folder: Location) -> Path:
    """Where the prepared sources of a build are kept, `folder`/.cache unless told.

    Raises:
        InputError: The build writes to an object store, and no folder here was named.
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
    """Refuse a folder that holds something, unless a build is to be resumed.

    Raises:
        InputError: It holds something, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out={folder} is a file; give a folder")
    if not resume and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"out={folder} is not empty; --resume goes on with the build that was begun there, a "
            "new one needs another folder"
        )


@contextmanager
def claimed(folder: Location) -> Iterator[None]:
    """Make the folder of a build, and keep other builds out of it until this one ends.

    The lock is the system's and ends with the process, however that ends, so that nothing has to
    tell by a clock whether a lock is stale. Object stores have none: see `Manifest.begin`.

    Raises:
        InputError: Another build writes to it, or it cannot be written to.
    """
    if not isinstance(folder, Path):
        yield
        return
    _make_folder(folder)
    if sys.platform == "win32":
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


def _make_folder(folder: Path) -> None:
    """Make it and see that it can be written to, which otherwise would show after hours of work."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"out={folder} is a file; give a folder")
    with write_errors(f"out={folder}", "give another folder"):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass


def clear_leftovers(folder: Location) -> None:
    """Remove what a killed build left half written in a folder on this machine."""
    if isinstance(folder, Path):
        for leftover in folder.rglob(f"*{TEMPORARY}"):
            leftover.unlink(missing_ok=True)


def check_all_there(folder: Location, shards: Sequence[ShardInfo]) -> None:
    """Make sure that the manifest will name no shard that somebody removed meanwhile.

    Raises:
        InputError: Shards are gone.
    """
    gone = [shard.name for shard in shards if not (folder / shard.name).is_file()]
    if gone:
        raise InputError(
            f"{folder}: {gone[0]} and {len(gone) - 1} more shards were removed while the others "
            "were built; go on with --resume"
        )
