"""The JSON that a command leaves in a folder, and knows it by when it is called again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file

Content = TypeVar("Content")


def write_json(path: Path, content: object) -> None:
    """Write a file of JSON, whole or not at all; its folder is made where it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_record(path: Path, read: Callable[[Any], Content]) -> Content | None:
    """What the record of a folder says; None where the folder is new or empty.

    Args:
        path: The record, right in its folder.
        read: Takes what is wanted from its content, and raises `ValueError`, `KeyError` or
            `TypeError` where that is another command's.

    Raises:
        InputError: The folder holds something else.
    """
    folder = path.parent
    if path.is_file():
        try:
            return read(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            raise InputError(f"{path}: is no record of this command; give another --out") from None
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is not an empty folder; give another --out")
    return None
