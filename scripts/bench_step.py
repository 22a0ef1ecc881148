"""Compare ways to take a training step of GFM: forward, loss, backward, update.

The ways take turns, so that other work on the machine meets all alike; compare the ratios. The
limits are what the step's convolutions would take at the rate of a plain matrix product, in float32
and in bfloat16: a machine that is no faster in bfloat16 leaves little to win.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from gfm.commands.info import count_multiply_adds
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.loss import GFMLoss
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.targets import LabelPlanes
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError


@dataclass(frozen=True)
class Way:
    """Settings of a step: memory order, precision, optimiser and compiler."""

    channels_last: bool = False
    bfloat16: bool = False
    fused: bool = False
    compiled: bool = False


PLAIN = "float32, eager"
WAYS = {
    PLAIN: Way(),
    "fused Adam": Way(fused=True),
    "channels_last": Way(channels_last=True, fused=True),
    "bf16": Way(bfloat16=True, fused=True),
    "bf16, channels_last": Way(True, True, True),
    "compiled": Way(channels_last=True, fused=True, compiled=True),
    "compiled, bf16": Way(True, True, True, True),
}


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--backbone", default="r34")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--side", type=int, default=320, help="of the crops, in pixels")
    parser.add_argument("--steps", type=int, default=3, help="of each way; the fastest counts")
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=WAYS,
        metavar="WAY",
        help=f"to compare with '{PLAIN}', all that need no compiler by default: "
        + ", ".join(map(repr, WAYS)),
    )
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("--device cuda: this machine has no CUDA device")
    return run_command(lambda: compare(options))


def compare(options: argparse.Namespace) -> None:
    """Print the seconds a step of each way, beside the first and the limit."""
    if options.steps < 1 or options.batch_size < 1:
        raise InputError(
            f"--steps {options.steps}, --batch-size {options.batch_size}: give 1 or more of each"
        )
    device = torch.device(options.device)
    batch = _batch(options.batch_size, options.side, device)
    wanted = options.ways or [name for name, way in WAYS.items() if not way.compiled]
    ways = {name: way for name, way in WAYS.items() if name == PLAIN or name in wanted}
    steps = {name: _prepare(way, options.backbone, batch, device) for name, way in ways.items()}
    for step in steps.values():  # compiles, chooses algorithms, makes the optimiser's state
        _seconds(step, device)
    best = dict.fromkeys(steps, float("inf"))
    matrix = dict.fromkeys(TYPES, float("inf"))
    for _ in range(options.steps):
        for name, kind in TYPES.items():
            matrix[name] = min(matrix[name], _matrix_product_seconds(device, kind))
        for name, step in steps.items():
            best[name] = min(best[name], _seconds(step, device))
    flops = _step_flops(options.backbone, options.side) * options.batch_size
    rates = {name: 2 * SIDE**3 / seconds for name, seconds in matrix.items()}
    shown = ", ".join(f"{rate / 1e9:,.1f} in {name}" for name, rate in rates.items())
    print(f"{flops / 1e9:,.0f} GFLOP of convolutions; matrix product, GFLOP/s: {shown}")
    if device.type == "cpu":
        share = _convolutions(steps[PLAIN])
        print(f"{torch.get_num_threads()} threads; convolutions take {share:.0%} of '{PLAIN}'")
    limits = {f"limit in {name}": flops / rate for name, rate in rates.items()}
    for name, seconds in {**limits, **best}.items():
        print(f"{name:24} {seconds:8.3f} s  {best[PLAIN] / seconds:5.2f}x")


def _prepare(
    way: Way, backbone: str, batch: dict[str, Tensor], device: torch.device
) -> Callable[[], None]:
    """A function that takes one step."""
    torch.manual_seed(0)
    model: torch.nn.Module = GFM(GFMConfig(backbone=backbone)).train().to(device)
    image = batch["image"]
    if way.channels_last:
        model = model.to(memory_format=torch.channels_last)
        image = image.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, weight_decay=0, fused=way.fused)
    if way.compiled:
        model = torch.compile(model)  # type: ignore[assignment]
    loss = GFMLoss()
    labels = LabelPlanes(batch["glance"], batch["alpha"], batch["region"])
    colours = (batch["foreground"], batch["background"])

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16) if way.bfloat16 else nullcontext():
            output = model(image)
            total = loss(output, labels, image, batch["alpha"], *colours)["total"]
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        optimizer.step()

    return step


def _batch(size: int, side: int, device: torch.device) -> dict[str, Tensor]:
    """Random crops with labels of TT."""
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand(3, size, 3, side, side, generator=generator)
    alpha = torch.rand(size, 1, side, side, generator=generator)
    made = dict(zip(("image", "foreground", "background"), colours, strict=True))
    glance = (alpha[:, 0] * 3).long()
    made |= {"alpha": alpha, "glance": glance, "region": (glance == 1)[:, None].float()}
    return {name: values.to(device) for name, values in made.items()}


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _convolutions(step: Callable[[], None]) -> float:
    """Share of the step's time that convolutions take, forward and backward."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # without a GPU it reports that as an error
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        step()
    times = {event.key: event.self_cpu_time_total for event in profiled.key_averages()}
    return sum(time for name, time in times.items() if "conv" in name) / sum(times.values())


SIDE = 1024  # of the matrices that measure the limits
TYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


def _matrix_product_seconds(device: torch.device, kind: torch.dtype) -> float:
    one, other = torch.rand(2, SIDE, SIDE, device=device).to(kind)
    return min(_seconds(lambda: one @ other, device) for _ in range(3))


def _step_flops(backbone: str, side: int) -> float:
    """Operations of a step on one crop: forward, and twice that backward; 2 a multiply-add."""
    with torch.device("meta"):
        model = GFM(GFMConfig(backbone=backbone)).eval()
    return 3 * 2 * float(sum(count_multiply_adds(model, side, side).values()))


if __name__ == "__main__":
    sys.exit(main())
