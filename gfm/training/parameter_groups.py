"""Parameter groups of the optimizer: learning rates of encoder and decoders, weight decay."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import torch
from torch import nn

from gfm.models.network import MattingNetwork
from rssn.imaging.errors import InputError

Group = dict[str, Any]


def parameter_groups(
    model: MattingNetwork,
    learning_rate: float,
    encoder_learning_rate: float | None = None,
    weight_decay: float = 0.0,
    norm_weight_decay: float = 0.0,
) -> list[Group]:
    """Divide the parameters of a network for `torch.optim`.

    Args:
        model: The network.
        learning_rate: Of the decoders and RIM.
        encoder_learning_rate: Of the whole encoder; as the decoders' when None.
        weight_decay: Of weights with more than one dimension.
        norm_weight_decay: Of norms and biases.

    Returns:
        Four groups, whatever the options are: `encoder`, `encoder_norms`, `decoders` and
        `decoders_norms`, where `_norms` holds norms and biases.

    Raises:
        InputError: An option that is negative or not finite.
    """
    if encoder_learning_rate is None:
        encoder_learning_rate = learning_rate
    options = {
        "learning_rate": learning_rate,
        "encoder_learning_rate": encoder_learning_rate,
        "weight_decay": weight_decay,
        "norm_weight_decay": norm_weight_decay,
    }
    decays = (weight_decay, norm_weight_decay)
    for name, value in options.items():
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name}={value!r} is not supported; give a finite number, at least 0")
    part = getattr(model, "encoder", None)
    encoder = [] if part is None else list(part.parameters())
    known = {id(parameter) for parameter in encoder}
    decoders = [parameter for parameter in model.parameters() if id(parameter) not in known]
    return [
        *_split("encoder", encoder, encoder_learning_rate, decays),
        *_split("decoders", decoders, learning_rate, decays),
    ]


def _split(
    name: str, parameters: list[nn.Parameter], learning_rate: float, decays: tuple[float, float]
) -> list[Group]:
    weights = [parameter for parameter in parameters if parameter.ndim > 1]
    others = [parameter for parameter in parameters if parameter.ndim <= 1]
    shared = {"lr": learning_rate}
    return [
        {"name": name, "params": weights, "weight_decay": decays[0], **shared},
        {"name": f"{name}_norms", "params": others, "weight_decay": decays[1], **shared},
    ]


def regroup(state: dict[str, Any], model: MattingNetwork, groups: list[Group]) -> dict[str, Any]:
    """The state of an optimizer with a single group, as earlier versions had, in our groups.

    Args:
        state: `state_dict()` of the optimizer; returned as it is if it has several groups.
        model: The network, whose `parameters()` were the single group.
        groups: Of `parameter_groups`.
    """
    if len(state["param_groups"]) > 1:
        return state
    (single,) = state["param_groups"]
    places = {id(parameter): place for place, parameter in enumerate(model.parameters())}
    before = [places[id(p)] for p in chain.from_iterable(group["params"] for group in groups)]
    divided, count = [], 0
    for group in groups:
        numbers = list(range(count, count + len(group["params"])))
        divided.append({**single, **group, "params": numbers, "lr": single["lr"]})
        count += len(numbers)
    values = {
        now: state["state"][then] for now, then in enumerate(before) if then in state["state"]
    }
    return {"state": values, "param_groups": divided}


def radam(groups: list[Group]) -> torch.optim.RAdam:
    """RAdam, whose weight decay does not go through its moments, as its authors wrote it."""
    return torch.optim.RAdam(groups, decoupled_weight_decay=True)
