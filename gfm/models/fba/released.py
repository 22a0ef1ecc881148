"""Released FBA checkpoints, whose names are ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gfm.blocks.standardisation import Standardisation
from gfm.encoders.weights import read_state_dict
from gfm.models.contract import Licence
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from gfm.models.released import filled
from rssn.imaging.errors import InputError

LICENCE = Licence(
    "Adobe Deep Image Matting Dataset, and the released FBA weights that were trained on it",
    "non-commercial use and distribution only (Adobe Deep Image Matting Dataset License Agreement)",
    1.0,
)


def convert(path: Path, variant: Standardisation = "2020") -> FBA:
    """Read a released checkpoint.

    Args:
        path: A `.pth` of the released code, with or without a `module.` prefix on its keys.
        variant: Form of the weight standardisation, in which the same file gives results that
            differ a little: that of 2020, or of HEAD.

    Raises:
        InputError: The file cannot be read, or does not fit.
    """
    state = read_state_dict(path)  # whose errors name the file
    try:
        return convert_state_dict(state, FBAConfig(standardisation=variant))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def convert_state_dict(state: Mapping[str, Tensor], config: FBAConfig) -> FBA:
    """The network of a released state dict, in eval mode.

    Args:
        state: Entries without a `module.` prefix.
        config: The network; the checkpoint is used with the weight standardisation of 2020 and of
            HEAD alike, whose results differ a little.

    Raises:
        InputError: The entries do not fit.
    """
    with torch.device("meta"):
        network = FBA(config)
    advice = "give a released FBA checkpoint"
    network = filled(network, state, {key: key for key in state}, advice)
    network.licences = [LICENCE]
    return network
