"""Released LSA checkpoints: their names, and what becomes of them here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gfm.encoders.weights import read_state_dict
from gfm.models.contract import Licence
from gfm.models.lsa.config import LSAConfig
from gfm.models.lsa.network import LSA
from gfm.models.released import filled
from rssn.imaging.errors import InputError

LICENCES = (
    Licence(
        "Deep Image Matting (Adobe)",
        "none stated for the weights; their authors point to the data set's: non-commercial use",
        1.0,
    ),
)

# The released name and ours, as patterns; the first match counts.
_NAMES = (
    (r"backbone\.stem\.0\.conv\.(.+)", r"encoder.body.conv1.0.\1"),
    (r"backbone\.stem\.0\.bn\.(.+)", r"encoder.body.conv1.1.\1"),
    (r"backbone\.stem\.1\.conv\.(.+)", r"encoder.body.conv1.3.\1"),
    (r"backbone\.stem\.1\.bn\.(.+)", r"encoder.body.conv1.4.\1"),
    (r"backbone\.stem\.2\.conv\.(.+)", r"encoder.body.conv1.6.\1"),
    (r"backbone\.stem\.2\.bn\.(.+)", r"encoder.body.bn1.\1"),
    # Nothing is averaged in the first stage, whose shortcut has an idle layer 0 here.
    (r"backbone\.layer1\.0\.downsample\.1\.(.+)", r"encoder.body.layer1.0.downsample.2.\1"),
    (r"backbone\.layer1\.0\.downsample\.0\.(.+)", r"encoder.body.layer1.0.downsample.1.\1"),
    (r"backbone\.(layer\d\..+)", r"encoder.body.\1"),
    (r"decoder\.final_final\.conv1\.(.+)", r"decoder.head.0.\1"),
    (r"decoder\.final_final\.conv2\.(.+)", r"decoder.head.2.\1"),
    (r"decoder\.final_final\.conv3\.(.+)", r"decoder.head.4.\1"),
)
_BLOCK = re.compile(r"decoder\.decoder_([1-5])\.(conv1|norm1|fc)\.(.+)")
_PARTS = {"conv1": "convolution", "norm1": "norm", "fc": "gate"}


def rename(key: str) -> str | None:
    """Our name for an entry of a released checkpoint; None where there is none."""
    if match := _BLOCK.fullmatch(key):
        number, part, rest = match.groups()
        return f"decoder.blocks.{5 - int(number)}.{_PARTS[part]}.{rest}"
    for pattern, ours in _NAMES:
        if match := re.fullmatch(pattern, key):
            return match.expand(ours)
    return None


def convert(path: Path) -> LSA:
    """Read the released checkpoint.

    Args:
        path: A `.pth` of the released code, with or without the prefix `module.` on its keys.

    Raises:
        InputError: The file cannot be read, or does not fit.
    """
    state = read_state_dict(path)  # whose errors name the file
    try:
        return convert_state_dict(state)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert_state_dict(state: Mapping[str, Tensor]) -> LSA:
    """Build the published network, in eval mode, from the entries of a released state dict.

    Args:
        state: Entries by their released names, without the prefix `module.`.

    Raises:
        InputError: Entries are missing, left over or of another shape.
    """
    with torch.device("meta"):
        model = LSA(LSAConfig())
    advice = "give the released checkpoint of LSA matting"
    model = filled(model, state, {key: rename(key) for key in state}, advice)
    model.licences = list(LICENCES)
    return model
