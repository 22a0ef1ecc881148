"""Sides of tiles that keep within a limit of memory."""

from __future__ import annotations

from gfm.models.contract import MattingModel
from gfm.models.guided.hints import MOST
from gfm.models.guided.predict import OUTPUTS
from gfm.models.memory import format_memory, memory_in_use
from gfm.models.windows import MULTIPLE, OVERLAP
from rssn.imaging.errors import InputError

KEPT = 24  # bytes per px of the photograph: trimap, unknown, alpha, F and B
MAPS = 60  # bytes per px of the maps of hints, while they are made
RESERVE = 200_000_000  # bytes: libraries that are loaded on the way
SMALLEST = OVERLAP + 2 * MULTIPLE
LARGEST = 2048  # px; larger passes are no faster


def tile_side(network: MattingModel, height: int, width: int, limit: int | None) -> int | None:
    """The side of the tiles for a photograph, or None for one pass.

    Args:
        network: The network.
        height: Of the photograph in px.
        width: Of the photograph in px.
        limit: Most bytes that the process may hold; None is no limit, but keeps to `LARGEST`.

    Raises:
        InputError: The limit is too small, with the least that works.
    """
    sides = range(LARGEST, SMALLEST - 1, -MULTIPLE)
    whole = -(-max(height, width) // MULTIPLE) * MULTIPLE
    if limit is None:
        return None if whole <= LARGEST else LARGEST
    used = memory_in_use(network.device) + RESERVE
    if not str(network.device).startswith("cuda"):
        used += KEPT * height * width + MAPS * min(height * width, MOST)
    each = network.bytes_per_pixel(OUTPUTS)
    least = used + each * SMALLEST**2
    if least > limit:
        raise InputError(
            f"max_memory={format_memory(limit)} is too little for a photograph of "
            f"{width}x{height}; give at least {format_memory(least)}"
        )
    fitting = next(side for side in sides if used + each * side**2 <= limit)
    return None if whole <= fitting else fitting
