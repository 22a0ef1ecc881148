"""Filling of a network with the tensors of a released checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from torch import Tensor

from gfm.models.network import MattingNetwork, normalisation
from rssn.imaging.errors import InputError, some

N = TypeVar("N", bound=MattingNetwork)


def filled(
    network: N, state: Mapping[str, Tensor], names: Mapping[str, str | None], advice: str
) -> N:
    """A network with the values of a checkpoint, in eval mode on the CPU.

    Args:
        network: On the meta device; its normalisation comes from its configuration.
        state: Tensors by their released names.
        names: Our name of each; None where there is none.
        advice: End of the error: which file would fit.

    Raises:
        InputError: Entries are missing, left over or of another shape, named as in the checkpoint.
    """
    buffers = normalisation(network.config)
    wanted = {key: value for key, value in network.state_dict().items() if key not in buffers}
    values = {ours: state[key] for key, ours in names.items() if ours in wanted}
    missing = sorted(wanted.keys() - values.keys())
    left = sorted(key for key, ours in names.items() if ours not in wanted)
    shapes = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[ours].shape)}"
        for key, ours in names.items()
        if ours in wanted and state[key].shape != wanted[ours].shape
    ]
    if missing or left or shapes:
        raise InputError(
            f"does not fit: missing {some(missing)}; left over {some(left)}; of another shape "
            f"{some(shapes)}; {advice}"
        )
    network.to_empty(device="cpu").load_state_dict({**values, **buffers})
    return network.eval()
