"""`python -m gfm COMMAND`: training by Lightning's command line, the rest by small commands."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from rssn.imaging.console import run_command

LIGHTNING = ("fit", "validate", "test", "predict")
COMMANDS = {
    "matte": ("gfm.commands.matte", "cut objects out of photographs"),
    "info": ("gfm.commands.info", "parameters and multiply-adds, beside the published ones"),
    "convert": ("gfm.commands.convert", "turn a released checkpoint into a model file"),
    "export": ("gfm.commands.export", "write a model as ONNX or OpenVINO, compared with PyTorch"),
    "licence": ("gfm.commands.licence", "what a model was trained on, and what that allows"),
    "evaluate": ("gfm.evaluation.evaluate", "compare mattes with the true ones"),
    "evaluate-clicks": (
        "gfm.commands.evaluate_clicks",
        "count the clicks that a model needs on a data set",
    ),
    "bench": ("gfm.commands.bench", "compare methods on photographs with mattes, in a page"),
    "report": (
        "gfm.commands.report",
        "show a model on held-out photographs, beside baselines, in a page",
    ),
    "serve": ("gfm.commands.serve", "a web page and POST /matte around a model"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 done, 1 some inputs failed, 2 usage, 3 done but below a threshold.
    """
    # PyTorch reads it when it is loaded. By default threads spin while they wait for one another:
    # beside one other busy program a training step on two cores took 25 times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    given = list(sys.argv[1:] if arguments is None else arguments)
    return run_command(lambda: _run(given))


def _run(given: list[str]) -> None:
    if given and given[0] in LIGHTNING:
        from gfm.commands.fit import run

        return run(given)
    if given and given[0] == "sanity":  # the rest of its options are those of fit
        from gfm.commands.sanity import run as check

        return check(given[1:])
    parser = argparse.ArgumentParser(prog="gfm", description="Glance and focus matting.")
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in LIGHTNING:
        commands.add_parser(name, help=f"{name} a model (Lightning; see gfm {name} --help)")
    commands.add_parser("sanity", help="look over data, model and machine before a long run")
    for name, (_, description) in COMMANDS.items():
        sub = commands.add_parser(name, help=description, description=description)
        if given and given[0] == name:
            importlib.import_module(COMMANDS[name][0]).add_arguments(sub)
    options = parser.parse_args(given)
    importlib.import_module(COMMANDS[options.command][0]).run(options)


class _Version(argparse.Action):
    """Action that looks the version up only on request."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("gfm-matting")
        except PackageNotFoundError:
            found = "of a folder that is not installed; pip install -e . gives it a number"
        parser.exit(message=f"gfm {found}\n")


if __name__ == "__main__":
    sys.exit(main())
