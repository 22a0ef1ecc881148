"""The command `python -m data_tools`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from rssn.imaging.console import run_command

COMMANDS = {
    "prepare": (
        "data_tools.prepare",
        "arrange a downloaded data set in the uniform folders",
    ),
    "verify": (
        "data_tools.verify",
        "check pairs, sizes, alpha, duplicates and leaks between splits",
    ),
    "split": ("data_tools.split", "divide photographs into training and validation"),
    "stats": ("data_tools.statistics", "describe a data set in tables and a picture"),
    "curate-backgrounds": (
        "data_tools.curation",
        "make a set of backgrounds as BG-20k was made: large, different, without a subject",
    ),
    "synthesize": (
        "data_tools.scenes.folder",
        "draw scenes with exact alpha, foreground and background",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit code: 0 done, 1 some inputs failed, 2 usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m data_tools", description="Prepare, check and draw data sets for matting."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, description) in COMMANDS.items():
        sub = commands.add_parser(name, help=description, description=description)
        if given and given[0] == name:
            importlib.import_module(module).add_arguments(sub)
    options = parser.parse_args(given)
    command = importlib.import_module(COMMANDS[options.command][0])
    return run_command(lambda: command.run(options))


if __name__ == "__main__":
    sys.exit(main())
