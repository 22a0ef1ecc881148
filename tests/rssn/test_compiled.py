"""Compiled functions where numba may write nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OURS = """
from rssn.imaging.compiled import compiled

@compiled
def add(a, b):
    return a + b
"""
THEIRS = """
from numba import njit

@njit("i8(i8)", cache=True)
def double(a):
    return 2 * a
"""
PROGRAM = """
from ours import add
from rssn.foreground.pymatting_parts import function

print(add(1, 2), *(function("theirs", "double", alone)(4) for alone in (True, False)))
"""


@pytest.mark.integration
def test_functions_are_compiled_where_no_cache_can_be_written(tmp_path: Path) -> None:
    """Files stand where numba would make its folders: beside the modules, and in the home."""
    (tmp_path / "pymatting").mkdir()
    for name, text in (
        *(("ours.py", OURS), ("pymatting/__init__.py", ""), ("pymatting/theirs.py", THEIRS)),
        *((name, "a file") for name in ("home", "__pycache__", "pymatting/__pycache__")),
    ):
        (tmp_path / name).write_text(text)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    home = str(tmp_path / "home")
    environment = {**os.environ, "PYTHONPATH": path, "HOME": home, "XDG_CACHE_HOME": home}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "3 8 8\n", done.stderr
