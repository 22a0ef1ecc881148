"""Cache of the work on each source image, by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from rssn.imaging.files import write_whole
from rssn.imaging.locations import told_errors

_CHECK_BYTES = 16
_VERSION = 1  # raise it when the cached work gives other results than before


def cached(folder: Path, key: str, name: str, compute: Callable[[], Mapping[str, bytes]]) -> bytes:
    """The entry `name` of a key; if it is missing or damaged, all of the key are computed.

    Entries are files, each with a checksum behind its content. Image readers ignore bytes behind
    the end of a PNG, so the entries open in any viewer.
    """
    stem = folder / key[:2] / key[2:]
    with suppress(FileNotFoundError):
        stored = Path(f"{stem}.{name}").read_bytes()
        data, check = stored[:-_CHECK_BYTES], stored[-_CHECK_BYTES:]
        if check == _checksum(data):
            return data
    entries = compute()
    stem.parent.mkdir(parents=True, exist_ok=True)
    for each, content in entries.items():
        write_whole(Path(f"{stem}.{each}"), content + _checksum(content))
    return entries[name]


def content_digest(*paths: Path) -> str:
    """A name for the content of some files, in any place.

    Raises:
        InputError: A file cannot be read.
    """
    digests = []
    for path in paths:
        with told_errors(path, "check the path"), path.open("rb") as file:
            digests.append(hashlib.file_digest(file, _blake2b).hexdigest())
    return cache_key(*digests)


def cache_key(*parts: str | float | None) -> str:
    """A name for a piece of work: its kind, its settings, its content."""
    return _blake2b(json.dumps([_VERSION, *parts]).encode()).hexdigest()


def _blake2b(data: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=_CHECK_BYTES)


def _checksum(data: bytes) -> bytes:
    return _blake2b(data).digest()
