"""Options of a task that decide its network, beside a model file that decides it too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gfm.models.config import SystemConfig
from rssn.imaging.errors import InputError


def check_network_options(
    options: Mapping[str, Any], config: SystemConfig, names: Collection[str], asked: Collection[str]
) -> None:
    """Refuse options that a model file leaves without effect.

    Args:
        options: Those of the task, of which `model` is the file.
        config: Of the model in the file.
        names: Options that decide the network.
        asked: Names of the options that were given.

    Raises:
        InputError: Weights for the encoder, or an option of the network that is not the model's.
    """
    where = f"model.model={options['model']}"
    if "weights" in asked and options["weights"] is not None:
        raise InputError(
            f"model.weights={options['weights']}: has no effect with {where}, which brings all "
            "weights; leave it out (--model.weights null where a file of options sets it)"
        )
    for name in names:
        value, own = options[name], getattr(config, name, None)
        if name in asked and value is not None and not is_same(value, own):
            raise InputError(
                f"model.{name}={value}: has no effect with {where}, whose {name} is {own}; leave "
                "one of the two out"
            )


def is_same(one: object, other: object) -> bool:
    """Compare two values of an option, of which the parser gives lists and a network has tuples."""
    listed = [list(value) if isinstance(value, tuple) else value for value in (one, other)]
    return listed[0] == listed[1]
