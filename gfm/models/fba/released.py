"""Released FBA checkpoints, whose names are ours."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gfm.encoders.build import some
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from rssn.imaging.errors import InputError

LICENCE = (
    "Adobe Deep Image Matting Dataset (composites of 431 objects)",
    "non-commercial use and distribution only, by the licence agreement of the data set",
)


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
    wanted = network.state_dict()
    missing, left = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in wanted.keys() & state.keys()
        if state[key].shape != wanted[key].shape
    ]
    if missing or left or shapes:
        raise InputError(
            f"is not a released FBA checkpoint: missing {some(missing)}; left over {some(left)}; "
            f"of another shape {some(sorted(shapes))}"
        )
    network = FBA(config)
    network.load_state_dict(dict(state))
    return network.eval()
