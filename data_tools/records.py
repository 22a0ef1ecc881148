"""JSON record of a command in its folder, read when it is called again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rssn.imaging.errors import InputError
from rssn.imaging.files import write_whole

Content = TypeVar("Content")


def write_json(path: Path, content: object) -> None:
    """Write a file of JSON atomically, and create its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(content, indent=2) + "\n").encode())


def read_record(path: Path, read: Callable[[Any], Content]) -> Content | None:
    """Content of a folder's record through `read`; None if the folder is new or empty.

    `read` raises `ValueError`, `KeyError` or `TypeError` for the record of another command; then,
    and if the folder holds something else, an `InputError` is raised.
    """
    folder = path.parent
    if path.is_file():
        try:
            return read(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{path}: is not a record of this command; give another --out"
            ) from None
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not an empty folder; give another --out")
    return None
