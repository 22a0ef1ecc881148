"""Time one pass of FBA on one core, beside its multiply-adds and the float32 limit.

    python scripts/bench_fba.py 800x600 1080x1620

Each size runs in a process of its own, so that its peak memory is its own. Seconds are those that
the core worked, whatever else the machine did. The limit is the time that the multiply-adds would
take at the rate of a large matrix product.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA

MATRIX = 2048  # side of the matrices whose product measures the rate
TIMES = 3


def main() -> None:
    """Measure every size, or, for a child process, one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=["800x600", "1080x1620"], metavar="HxW")
    parser.add_argument("--here", action="store_true", help="measure in this process")
    options = parser.parse_args()
    for size in options.sizes:
        if options.here:
            measure(*(int(side) for side in size.split("x")))
        else:
            subprocess.run([sys.executable, __file__, "--here", size], check=True)


def measure(height: int, width: int) -> None:
    """Print the cost of one pass."""
    torch.set_num_threads(1)
    network = FBA(FBAConfig()).eval()
    rows, columns = (-(-side // network.multiple) * network.multiple for side in (height, width))
    count = multiply_adds(rows, columns)
    before = peak()
    with torch.inference_mode():
        inputs = [torch.rand(1, channels, rows, columns) for channels in (3, 2, 6)]
        seconds = worked(lambda: network(*inputs))
    memory = peak() - before
    least = count / rate()
    print(
        f"{height}x{width}: {count / 1e9:.0f} G multiply-adds, {seconds:.1f} s ({least:.1f} s at "
        f"the rate of a matrix product), {memory / 2**30:.2f} GiB above the weights"
    )


def multiply_adds(height: int, width: int) -> int:
    """Multiply-adds of a pass, on tensors without values."""
    with torch.device("meta"):
        network = FBA(FBAConfig()).eval()
        inputs = [torch.empty(1, channels, height, width) for channels in (3, 2, 6)]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(*inputs)
    return counter.get_total_flops() // 2


def rate() -> float:
    """Multiply-adds per second of a large matrix product."""
    one, other = torch.rand(2, MATRIX, MATRIX)
    return MATRIX**3 / min(worked(lambda: one @ other) for _ in range(TIMES))


def worked(call: Callable[[], object]) -> float:
    """Seconds that the core works for a call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def peak() -> int:
    """Most bytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
