"""`scripts/infer.py` and `gfm matte`: photographs in, mattes and cut-outs out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from gfm.checkpoint import load_model
from gfm.inference import ForegroundMethod, Strategy, check_options, matte
from rssn.console import progress, run_command
from rssn.errors import FailedInputs, InputError, one_line
from rssn.images import SUFFIXES, image_files, write_alpha, write_trimap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="image or folder")
    parser.add_argument("--model", required=True, help=".safetensors file, its folder, or hub id")
    parser.add_argument("--out", required=True, type=Path, help="folder for alpha/, rgba/, trimap/")
    parser.add_argument("--strategy", choices=get_args(Strategy), default="hybrid")
    parser.add_argument("--d1", type=float, default=3, help="reduction for the glance (default 3)")
    parser.add_argument("--d2", type=float, default=2, help="reduction for the focus (default 2)")
    parser.add_argument(
        "--foreground",
        choices=get_args(ForegroundMethod),
        default="multilevel",
        help="estimation of the colours behind soft edges",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> None:
    """Matte every input.

    Raises:
        FailedInputs: Some inputs could not be matted; the others are done.
        InputError: An option that is not supported, two inputs with one name, or no place to write.
    """
    check_options(options.strategy, options.d1, options.d2, options.foreground)
    model = load_model(options.model, options.device)
    paths, failures = _collect(options.inputs)
    try:
        for kind in ("alpha", "rgba", "trimap"):
            (options.out / kind).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {options.out}: no folder can be made there ({error})") from None
    for path in progress(paths, "Matte", quiet=options.quiet):
        try:
            made = matte(
                path,
                model,
                strategy=options.strategy,
                d1=options.d1,
                d2=options.d2,
                foreground=options.foreground,
            )
            name = f"{path.stem}.png"
            write_alpha(options.out / "alpha" / name, made.alpha)
            made.save(options.out / "rgba" / name)
            write_trimap(options.out / "trimap" / name, made.trimap)
        except (InputError, OSError) as error:
            reason = one_line(error)
            failures.append(reason if reason.startswith(str(path)) else f"{path}: {reason}")
    if failures:
        raise FailedInputs(failures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command by itself, as `scripts/infer.py` does."""
    parser = argparse.ArgumentParser(prog="infer.py", description="Cut objects out of photographs.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    return run_command(lambda: run(options))


def _collect(inputs: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The photographs named by the inputs, and a line for each input that is none."""
    paths: list[Path] = []
    failures: list[str] = []
    for given in inputs:
        if given.is_dir():
            try:
                paths += image_files(given)
            except InputError as error:
                failures.append(one_line(error))
        elif given.suffix.lower() in SUFFIXES:
            paths.append(given)
        elif not given.exists():
            failures.append(f"{given}: no such file or folder; check the path")
        else:
            failures.append(f"{given}: is no image; wanted {', '.join(sorted(SUFFIXES))}")
    stems: dict[str, Path] = {}
    for path in paths:
        other = stems.setdefault(path.stem, path)
        if other != path:
            raise InputError(
                f"{path} and {other} would both be written as {path.stem}.png; rename one"
            )
    return list(stems.values()), failures
