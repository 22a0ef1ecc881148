"""Memory of a pass: the whole photograph at once, for its norms and its pyramid see all of it."""

from __future__ import annotations

from functools import cache

import torch

from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import DISTANCES, FBA, TRIMAP
from gfm.models.memory import format_memory, memory_in_use, peak_allocation
from rssn.imaging.errors import InputError

RESERVE = 200_000_000  # bytes: libraries that are loaded on the way
ARRAYS = 300  # bytes per px of the arrays before and after the network
PROBES = (256, 1024)  # px, sides of the images that are sent through the network to count


def check_memory(config: FBAConfig, device: object, pixels: int, limit: int | None) -> None:
    """Refuse a photograph whose pass would exceed a limit.

    Args:
        config: Of the network.
        device: Of the network.
        pixels: Of the photograph, at the greatest scale at which the network sees it.
        limit: Most bytes that the process may hold; None is no limit.

    Raises:
        InputError: The limit is too small, with the least that works.
    """
    if limit is None:
        return
    fixed, each = pass_bytes(config)
    least = memory_in_use(device) + RESERVE + fixed + (each + ARRAYS) * pixels
    if least > limit:
        raise InputError(
            f"max_memory={format_memory(limit)} is too little for FBA, which takes a photograph "
            f"whole; give at least {format_memory(least)}, or shrink the photograph"
        )


@cache
def pass_bytes(config: FBAConfig) -> tuple[float, float]:
    """Most bytes that a pass allocates: whatever its size, and per px of its image."""
    with torch.device("meta"):
        network = FBA(config).eval()
    small, large = (_allocated(network, side) for side in PROBES)
    each = (large - small) / (PROBES[1] ** 2 - PROBES[0] ** 2)
    return max(small - each * PROBES[0] ** 2, 0), each


def _allocated(network: FBA, side: int) -> float:
    counts = (3, TRIMAP, DISTANCES)
    inputs = [torch.empty(1, count, side, side, device="meta") for count in counts]
    return peak_allocation(lambda: network(*inputs))
