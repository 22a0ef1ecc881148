"""Errors of all three packages that a user can correct."""

from __future__ import annotations

from collections.abc import Sequence


class InputError(ValueError):
    """Bad input: the message names it, its value, the allowed values and the remedy."""


class FailedInputs(Exception):
    """Some inputs of a long command failed, one line each; the others are done and kept."""

    def __init__(self, failures: Sequence[str]) -> None:
        super().__init__("\n".join(failures))
        self.failures = list(failures)


class BelowThreshold(Exception):
    """All is done, but some of it is worse than the user allows; the message states it."""


def how_to_install(extra: str = "") -> str:
    """Command that installs an extra, or all that every installation needs.

    It uses the project's folder: the name of the package is not ours on the public index.
    """
    what = f"'.[{extra}]'" if extra else "."
    return f"pip install -e {what} in the project's folder"


def one_line(error: BaseException) -> str:
    """The message of an error as one line, the type in front unless it is an `InputError`."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}"


def some(items: Sequence[str], most: int = 4) -> str:
    """At most `most` of the items as a list, and the number of the rest; `none` without items."""
    if not items:
        return "none"
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


def check_least(least: float, **values: float | None) -> None:
    """Raise an `InputError` unless these values are `least` or more, or None."""
    for name, value in values.items():
        if value is not None and not value >= least:
            raise InputError(f"{name}={value} is not allowed; give {least} or more")


def check_shares(options: object, *names: str) -> None:
    """Raise an `InputError` unless these attributes are between 0 and 1."""
    for name in names:
        if not 0 <= getattr(options, name) <= 1:
            raise InputError(f"{name}={getattr(options, name)}: a share is between 0 and 1")


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise an `InputError` that lists the allowed values unless `value` is one of them."""
    if value not in allowed:
        listed = ", ".join(repr(a) for a in allowed[:-1]) + f" or {allowed[-1]!r}"
        raise InputError(f"{name}={value!r} is not supported; choose {listed}")
