"""Checkpoints with the names of AdaMatting's house definition; nothing was ever released."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gfm.encoders.weights import read_state_dict
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.network import AdaMatting
from gfm.models.contract import Conversion
from gfm.models.released import filled
from rssn.imaging.errors import InputError

_ENCODER = re.compile(r"(encoder|alpha_encoder)\.(.+)")


def convert(path: Path) -> Conversion:
    """The published network from a checkpoint.

    Raises:
        InputError: The file cannot be read, or does not fit.
    """
    state = read_state_dict(path)  # whose errors name the file
    try:
        return Conversion(convert_state_dict(state))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert_state_dict(state: Mapping[str, Tensor]) -> AdaMatting:
    """The published network, in eval mode, from the entries of a checkpoint.

    Raises:
        InputError: Entries are missing, left over or of another shape.
    """
    config = AdaMattingConfig()
    with torch.device("meta"):
        model = AdaMatting(config)
    advice = "give a state dict of the published AdaMatting"
    return filled(model, state, {key: rename(key) for key in state}, advice)


def rename(key: str) -> str:
    """Our name for an entry, whose encoders hold torchvision's names.

    Example:
        >>> rename("encoder.layer1.0.conv1.weight")
        'encoder.body.layer1.0.conv1.weight'
    """
    return _ENCODER.sub(r"\1.body.\2", key)
