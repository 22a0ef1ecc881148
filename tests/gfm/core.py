"""Python without the packages of the extras, as the core alone has it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from rssn.imaging.extras import EXTRAS

BLOCK = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def core_command(code: str, extras: tuple[str, ...] = ()) -> list[str]:
    """Command that runs code; its arguments may follow.

    Args:
        code: Python.
        extras: That are installed all the same.
    """
    blocked = {package for package, extra in EXTRAS.items() if extra not in extras}
    return [sys.executable, "-c", f"BLOCKED = {blocked!r}\n{BLOCK}\n{textwrap.dedent(code)}"]


def run_core(code: str, *arguments: object, extras: tuple[str, ...] = ()) -> str:
    """Run code in a process of its own and return its output.

    Args:
        code: Python.
        arguments: Of the process, from `sys.argv[1]` on.
        extras: That are installed all the same.
    """
    done = subprocess.run(
        [*core_command(code, extras), *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
