"""Files under a second name: links or copies."""

from __future__ import annotations

import argparse
import filecmp
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal

from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file

Way = Literal["hard", "symbolic", "copy"]


def place(source: Path, target: Path, way: Way) -> None:
    """Give `source` the name `target` as well; an existing target of the same bytes stays.

    A hard link that the file system refuses becomes a copy. An `InputError` if another file has the
    name.
    """
    if target.exists():
        if not (target.samefile(source) or filecmp.cmp(source, target)):
            raise InputError(
                f"{source}: {target} exists with another content; remove that one first"
            )
        return
    if way == "symbolic":
        target.symlink_to(source.resolve())
        return
    if way == "hard":
        with suppress(OSError):
            target.hardlink_to(source.resolve())
            return
    with whole_file(target) as part:
        shutil.copy2(source, part)


def add_way_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--link` and `--copy`, which set `way`."""
    group = parser.add_mutually_exclusive_group()
    group.set_defaults(way="hard")
    ways = {"--link": ("symbolic", "symbolic links, not hard ones"), "--copy": ("copy", "copies")}
    for option, (way, text) in ways.items():
        group.add_argument(option, dest="way", action="store_const", const=way, help=text)
