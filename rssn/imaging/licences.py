"""Source and licence of a picture, from a list beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rssn.imaging.errors import InputError

LISTS = ("licences.csv", "list.csv")
PREPARED = "prepared.json"  # of `data_tools prepare`: one data set, one licence
_PREPARED_FOLDERS = ("original", "fg", "backgrounds")  # beside it
_FILE_COLUMNS = ("file", "filename", "name", "item", "image")
_LICENCE_COLUMNS = ("licence", "license")
_SOURCE_COLUMNS = ("source", "dataset", "origin")


class Terms(NamedTuple):
    """Data set and licence of a picture; None if they are not known."""

    source: str | None = None
    licence: str | None = None


class Licences:
    """Licences and data sets of the pictures in a folder.

    They are read from `licences.csv` or `list.csv` inside the folder or beside it: a table with a
    header row, a column `file` (or `filename`, `name`, `item`, `image`), a column `licence` (or
    `license`) and optionally a column `source` (or `dataset`, `origin`). Files are named relative
    to the list, with or without their suffix; inside the folder the name alone is enough. The first
    list that names a file counts; `prepared.json` of `data_tools prepare` counts for all others.

    Args:
        folder: Of the foregrounds or backgrounds.

    Raises:
        InputError: A list cannot be read, or gives two licences to one file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._by_name: dict[str, Terms] = {}
        places = ((self._folder, ""), (self._folder.parent, f"{self._folder.name}/"))
        for place, prefix in places:
            for name in LISTS:
                if (place / name).is_file():
                    self._by_name = {**self._read(place / name, prefix), **self._by_name}
        inside = folder.parent if folder.name in _PREPARED_FOLDERS else folder
        record = inside / PREPARED
        self._of_all = _prepared(record) if record.is_file() else Terms()

    def terms(self, path: Path) -> Terms:
        """Source and licence of a picture in the folder; None for what is not known."""
        inside = path.absolute().relative_to(self._folder)
        names = (inside, inside.with_suffix(""), Path(inside.name), Path(inside.stem))
        found = (self._by_name.get(name.as_posix()) for name in names)
        return next((terms for terms in found if terms), self._of_all)

    def _read(self, path: Path, prefix: str) -> dict[str, Terms]:
        found: dict[str, Terms] = {}
        for file, terms in _rows(path):
            if not file.startswith(prefix) or not terms.licence:
                continue
            file = file.removeprefix(prefix)
            if (held := found.setdefault(file, terms)).licence != terms.licence:
                raise InputError(
                    f"{path}: gives {file} the licences '{held.licence}' and '{terms.licence}'; "
                    "leave one"
                )
        return found


def prepared_data(folder: Path) -> str | None:
    """The data set that `data_tools prepare` arranged in a folder, as `--layout` calls it."""
    record = folder / PREPARED
    return _prepared(record).source if record.is_file() else None


def _rows(path: Path) -> Iterator[tuple[str, Terms]]:
    """File and terms of each row; nothing if a `list.csv` is a list of something else."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            table = csv.DictReader(text)
            columns = {str(name).strip().lower(): name for name in table.fieldnames or ()}
            file, licence, source = (
                next((columns[name] for name in names if name in columns), None)
                for names in (_FILE_COLUMNS, _LICENCE_COLUMNS, _SOURCE_COLUMNS)
            )
            if file is None or licence is None:
                if path.name == LISTS[0]:
                    raise InputError(f"{path}: has the columns {[*columns]}; give file and licence")
                return
            for row in table:
                held = (
                    None if column is None else (row[column] or "").strip() or None
                    for column in (source, licence)
                )
                yield (row[file] or "").strip().replace("\\", "/"), Terms(*held)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from error


def _prepared(path: Path) -> Terms:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Terms(record["layout"], record.get("licence"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: is not a record of data_tools prepare ({error!r}); remove it or prepare again"
        ) from error
