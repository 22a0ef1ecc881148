"""Under which licence a picture may be used, from a list that lies beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from rssn.imaging.errors import InputError

LISTS = ("licences.csv", "list.csv")
_FILE_COLUMNS = ("file", "filename", "name", "item", "image")
_LICENCE_COLUMNS = ("licence", "license")


class Licences:
    """The licences of the pictures in a folder.

    They stand in `licences.csv` or `list.csv` inside the folder or beside it: a table with a header
    row, a column `file` (or `filename`, `name`, `item`, `image`) and a column `licence` (or
    `license`). Files are named from where the list lies, with or without their suffix; inside the
    folder the name alone will do. The first list that names a file counts.

    Args:
        folder: Of the foregrounds or backgrounds.

    Raises:
        InputError: A list cannot be read, or gives two licences to one file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._by_name: dict[str, str] = {}
        for place, prefix in ((self._folder, ""), (self._folder.parent, f"{self._folder.name}/")):
            for name in LISTS:
                if (place / name).is_file():
                    for file, licence in self._read(place / name, prefix).items():
                        self._by_name.setdefault(file, licence)

    def of(self, path: Path) -> str | None:
        """The licence of a picture in the folder; None where no list names it."""
        inside = path.absolute().relative_to(self._folder)
        names = (inside, inside.with_suffix(""), Path(inside.name), Path(inside.stem))
        found = (self._by_name.get(name.as_posix()) for name in names)
        return next((licence for licence in found if licence), None)

    def _read(self, path: Path, prefix: str) -> dict[str, str]:
        licences: dict[str, str] = {}
        for file, licence in _rows(path):
            if not file.startswith(prefix) or not licence:
                continue
            file = file.removeprefix(prefix)
            if licences.setdefault(file, licence) != licence:
                raise InputError(
                    f"{path}: gives {file} the licences '{licences[file]}' and '{licence}'; "
                    "leave one"
                )
        return licences


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """File and licence of each row; of none, where a `list.csv` is a list of something else."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            table = csv.DictReader(text)
            columns = {str(name).strip().lower(): name for name in table.fieldnames or ()}
            file, licence = (
                next((columns[name] for name in names if name in columns), None)
                for names in (_FILE_COLUMNS, _LICENCE_COLUMNS)
            )
            if file is None or licence is None:
                if path.name == LISTS[0]:
                    raise InputError(f"{path}: has the columns {[*columns]}; give file and licence")
                return
            for row in table:
                yield (row[file] or "").strip().replace("\\", "/"), (row[licence] or "").strip()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from error
