"""Options of `gfm fit` as they were given: on the command line, and in files of options."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from rssn.imaging.errors import InputError, one_line

CONFIG_FLAGS = ("--config", "-c")


def given_model_options(arguments: Sequence[str]) -> set[str]:
    """Names of the task's options that a command line sets, itself or through its files.

    `class_path` is among them where it is given.
    """
    given = set()
    for argument in arguments:
        name = argument.partition("=")[0]
        if name == "--model":
            given.add("class_path")
        elif name.startswith("--model."):
            given.add(name.removeprefix("--model.").removeprefix("init_args."))
    for file in config_files(arguments):
        model = read_config(file).get("model")
        if isinstance(model, dict):
            inner = model.get("init_args")
            given |= model.keys() - {"init_args"}
            given |= inner.keys() if isinstance(inner, dict) else set()
    return given


def config_files(arguments: Sequence[str]) -> list[Path]:
    """The files of options that a command line names, as far as they are there."""
    return [file for file in named_files(arguments) if file.is_file()]


def named_files(arguments: Sequence[str]) -> list[Path]:
    """The files of options that a command line names."""
    flags = [(*flag.partition("="), value) for flag, value in pairwise((*arguments, ""))]
    return [Path(joined or value) for name, _, joined, value in flags if name in CONFIG_FLAGS]


def read_config(file: Path) -> dict[str, Any]:
    """The options in a YAML file.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        options = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise InputError(f"{file}: cannot be read as YAML ({one_line(error)})") from None
    if not isinstance(options, dict):
        raise InputError(f"{file}: holds no options; write them as name: value")
    return options


def refuse_old_names(arguments: Sequence[str]) -> None:
    """Give the new names of `configs/TRACK/MODEL.yaml`, as the files of the paper were called.

    Raises:
        InputError: A file is missing whose track and model are files of their own.
    """
    for file in named_files(arguments):
        configs = file.parent.parent
        track = configs / "tracks" / f"{file.parent.name}.yaml"
        model = configs / "models" / file.name
        if not file.exists() and track.is_file() and model.is_file():
            raise InputError(
                f"--config {file}: tracks and models are files of their own now; give --config "
                f"{track} --config {model}"
            )


def blamed_files(message: str, arguments: Sequence[str]) -> list[Path]:
    """The files that an error of the parser is about; none where an option given beside them is.

    Args:
        message: Of the parser, which names the option, or its group and its last word.
        arguments: The command line.
    """
    given = {argument.partition("=")[0] for argument in arguments if argument[:2] == "--"}
    if any(option.removeprefix("--") in message for option in given.difference(CONFIG_FLAGS)):
        return []
    named = [word.rpartition(".")[2] for word in re.findall(r"""['"]([\w.]+)['"]""", message)]
    files = config_files(arguments)
    holding = [file for file in files if any(word in file.read_text("utf-8") for word in named)]
    return holding or files


def plain_error(message: str) -> str:
    """A message of the parser about the task, without the classes that it tried."""
    text = " ".join(message.split())
    found = re.search(
        r"given class_path '[\w.]*?(\w+)': (.*?) - Expected a <class 'NoneType'>", text
    )
    if found is None:
        return text
    task, inner = found[1], found[2].replace("init_args.", "")
    if unknown := re.fullmatch(r"Option '(\w+)' is not accepted", inner):
        return f"{task} does not accept option 'model.{unknown[1]}'"
    return inner.replace('Parser key "', 'Parser key "model.')
