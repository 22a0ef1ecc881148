"""Commands and snippets of the pages, and a runner for them in this process."""

from __future__ import annotations

import importlib
import importlib.util
import re
import runpy
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
]


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, the line after its fence, its language and its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page, in order; of these languages where some are given."""
    found, language, text, first = [], None, [], 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("```"):
            text.append(line)
        elif language is None:
            language, text, first = line.removeprefix("```"), [], number + 1
        else:
            if not languages or language in languages:
                found.append(Block(page, first, language, "\n".join(text)))
            language = None
    assert language is None, f"{page}: a block is not closed"
    return found


def commands(text: str) -> list[str]:
    """The commands of a block, each on one line, without comments."""
    lines = text.replace("\\\n", " ").splitlines()
    return [shlex.join(words) for line in lines if (words := shlex.split(line, comments=True))]


def prose_commands(page: Path) -> list[str]:
    """The commands that stand between backquotes in the text of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", text)
    named = re.compile(r"(python -m|python scripts/|curl |make |pip install )")
    return [" ".join(span.split()) for span in spans if named.match(span)]


def run(command: str, more: Sequence[str] = ()) -> int:
    """Run `python -m MODULE ...` or `python SCRIPT ...` in this process; returns its exit code."""
    _, first, *words = [word for words in shlex.split(command) for word in expanded(words)]
    words += more
    try:
        if first != "-m":
            with mock.patch.object(sys, "argv", [first, *words]):
                runpy.run_path(first, run_name="__main__")
            return 0
        return int(main_of(words.pop(0))(words))
    except SystemExit as ended:
        return int(ended.code or 0)


def main_of(module: str):
    """The function behind `python -m MODULE`."""
    found = importlib.util.find_spec(module)
    is_package = found is not None and found.submodule_search_locations is not None
    return importlib.import_module(f"{module}.__main__" if is_package else module).main


def expanded(word: str) -> Iterator[str]:
    """A word of a command as the shell would hand it on."""
    found = sorted(Path().glob(word)) if "*" in word else []
    yield from map(str, found) if found else [word]
