"""Released checkpoints of interactive segmentation: their names, and what becomes of them here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from gfm.encoders.weights import read_state_dict
from gfm.models.clicks.config import ClicksConfig
from gfm.models.clicks.network import ClickNetwork
from gfm.models.contract import Licence
from gfm.models.released import filled
from rssn.imaging.errors import InputError, check_choice

Variant = Literal["stream", "no_stream"]

LICENCES = (
    Licence(
        "SBD, and 15,000 cut-outs from the Internet on COCO and ETHZ-Synthesizability",
        "none stated for the weights: treat them as not to be passed on",
        1.0,
    ),
)

_STREAM = re.compile(r"decoder\.usr_encoder\.conv(\d)\.(.+)")
_GUIDE = re.compile(r"decoder\.guided_map_conv([12])\.(.+)")


def rename(key: str) -> str:
    """Our name for an entry of a released checkpoint."""
    if match := _STREAM.fullmatch(key):
        return f"stream.convolutions.{int(match[1]) - 1}.{match[2]}"
    if match := _GUIDE.fullmatch(key):
        return f"filter.{'expand' if match[1] == '1' else 'reduce'}.{match[2]}"
    return key


def convert(path: Path, variant: Variant = "stream") -> ClickNetwork:
    """Read a released checkpoint.

    Args:
        path: A `.pth` of the released code.
        variant: `stream`, or `no_stream` for a network without interaction stream, an option of the
            released code.

    Raises:
        InputError: The file cannot be read, or does not fit, or another variant.
    """
    check_choice("variant", variant, get_args(Variant))
    state = read_state_dict(path)  # whose errors name the file
    try:
        return convert_state_dict(state, variant)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert_state_dict(state: Mapping[str, Tensor], variant: Variant = "stream") -> ClickNetwork:
    """Build the network, in eval mode, from the entries of a released state dict.

    Args:
        state: Entries by their released names, without the prefix `module.`.
        variant: As for `convert`.

    Raises:
        InputError: Entries are missing, left over or of another shape.
    """
    config = ClicksConfig(stream=variant == "stream")
    with torch.device("meta"):
        network = ClickNetwork(config)
    fitting = "stream" if any(_STREAM.fullmatch(key) for key in state) else "no_stream"
    advice = "give a checkpoint of interactive segmentation"
    if fitting != variant:
        advice = f"--variant {fitting} fits it better than {variant}"
    network = filled(network, state, {key: rename(key) for key in state}, advice)
    network.licences = list(LICENCES)
    return network
