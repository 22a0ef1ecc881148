"""Mean of the weights of several model files of one course of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from gfm.checkpoints.files import load_network
from gfm.models.network import MattingNetwork


def load_mean(files: Sequence[Path]) -> MattingNetwork:
    """The network of the last file, with the mean of the weights of all.

    Configuration, licences and hashes are the last one's: each is meant to go on from those before.

    Args:
        files: Model files of one configuration, at least one.

    Raises:
        InputError: A file cannot be read.
    """
    *others, network = (load_network(file, "cpu") for file in files)
    states = [each.state_dict() for each in (*others, network)]
    network.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(0)
            if value.is_floating_point()
            else value
            for name, value in states[-1].items()
        }
    )
    return network
