"""Memory that matting takes, and sizes that fit into a limit.

The sizes of passes are planned from what each network really allocates: its passes run once on the
`meta` device, which has shapes and no values, while every allocation is counted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from rssn.imaging.errors import InputError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
SLACK = 1.3  # for the allocator and the library of the convolutions; measured: up to 1.1 on r34
STATED = 10**8  # bytes; limits in messages are rounded up to these


def parse_memory(limit: str | int | float | None) -> int | None:
    """A limit in bytes: a number, or text such as `4GB`, `500 MB` or `1.5GiB`.

    Raises:
        InputError: Neither.
    """
    if limit is None:
        return None
    found = re.fullmatch(r"\s*([0-9.]+(?:e[0-9]+)?)\s*([KMG]?I?)B?\s*", str(limit).upper())
    try:
        size = int(float(found[1].lower()) * UNITS[found[2]]) if found else 0
    except (KeyError, ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise InputError(f"max_memory={limit!r} is no amount of memory; give '4GB' or bytes")
    return size


def format_memory(size: float) -> str:
    """An amount in GB, rounded up to a tenth."""
    return f"{-(-size // STATED) * STATED / 1e9:.1f}GB"


def memory_in_use(device: object) -> int:
    """Bytes that this process holds: on the GPU for a network of PyTorch there, else in memory."""
    torch = sys.modules.get("torch")
    if torch is not None and str(device).startswith("cuda"):
        return int(torch.cuda.memory_allocated(str(device)))
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # no Linux: the most that it ever held, which is no less
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    import resource

    return pages * resource.getpagesize()


def peak_allocation(run: Callable[[], object], item_size: int = 4) -> float:
    """Most bytes that a run on the `meta` device would hold at once, with slack.

    Args:
        run: The run; its tensors must be on the `meta` device.
        item_size: Bytes of a value.
    """
    import torch

    from gfm.models.allocations import AllocationCounter

    with torch.inference_mode(), AllocationCounter() as counter:
        run()
    return float(SLACK * counter.peak * item_size / 4)
