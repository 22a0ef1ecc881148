"""Time one photograph through the hybrid strategy, beside the published schedule.

The published schedule runs both decoders in both passes, eagerly and in float32. The ways take
turns, so that other work on the machine meets all alike; compare the ratios. The limits are what
the convolutions would take at the rate of a plain matrix product.

With --table-7 it times one pass of each of the paper's networks instead, after its table 7.
"""

import argparse
import copy
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

import gfm
from gfm.checkpoints.files import load_network, resolve_device
from gfm.commands.info import PUBLISHED as TABLE_7
from gfm.commands.info import count_multiply_adds, count_parameters
from gfm.export.exporting import SUFFIXES, Format, export
from gfm.inference.colours import estimate_colours
from gfm.models.contract import MattingModel
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.passes import pass_size
from gfm.runtimes.model import ExportedModel
from gfm.runtimes.onnx import OnnxRuntime
from gfm.runtimes.openvino import OpenVino, Precision
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import read_photograph
from rssn.imaging.resizing import resize
from rssn.imaging.writing import write_rgb

Image = NDArray[np.uint8]
Matte = NDArray[np.float32]
Way = Callable[[], Matte]


class Result(NamedTuple):
    """A matte, the seconds that pass for it, and those that cores work for it."""

    alpha: Matte
    seconds: float
    cores: float


NEVER = (float("inf"), float("inf"))
REDUCTIONS = (3, 2)  # of the glance and of the focus
HEIGHT, WIDTH = 1080, 1620
SIDE = 1536  # of the matrices that measure the limit
PUBLISHED = "published schedule"
WAYS = (PUBLISHED, "float32", "bf16", "ONNX Runtime", "OpenVINO", "OpenVINO, auto")
BACKENDS: dict[str, tuple[Format, Precision]] = {
    "ONNX Runtime": ("onnx", "float32"),
    "OpenVINO": ("openvino", "float32"),
    "OpenVINO, auto": ("openvino", "auto"),
}
COLD = """
import sys, time
ends = [time.process_time()]
import torch
ends.append(time.process_time())
import gfm.inference.matting, gfm.checkpoints.files
ends.append(time.process_time())
model = gfm.load_model(sys.argv[1], "cpu")
ends.append(time.process_time())
made = gfm.matte(sys.argv[2], model, foreground="none")
ends.append(time.process_time())
from gfm.inference.colours import estimate_colours
from rssn.imaging.photographs import as_photograph
if sys.argv[3] != "none":
    estimate_colours(as_photograph(sys.argv[2]).pixels, made.alpha, "multilevel", False)
ends.append(time.process_time())
print(*ends)
"""
STAGES = ("Python", "PyTorch", "this package", "model", "passes", "colours")  # that COLD ends


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="model file; random weights of ResNet-34 by default")
    parser.add_argument("--photograph", type=Path, help="any; drawn by default, 1080x1620")
    parser.add_argument("--rounds", type=int, default=5, help="of each; the fastest counts")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--ways",
        nargs="+",
        choices=WAYS[1:],
        metavar="WAY",
        default=WAYS[1:],
        help=f"to compare with the {PUBLISHED}: " + ", ".join(map(repr, WAYS[1:])),
    )
    parser.add_argument("--cold", action="store_true", help="only starts of new processes")
    parser.add_argument("--table-7", action="store_true", help="only the times of table 7")
    parser.add_argument("--backbones", nargs="+", choices=TABLE_7, default=[*TABLE_7])
    parser.add_argument("--side", type=int, default=800, help="of the image of --table-7 (800)")
    parser.add_argument("--device", default="auto", help="of --table-7: auto, cpu or cuda")
    options = parser.parse_args()
    return run_command(lambda: print_table_7(options) if options.table_7 else compare(options))


def compare(options: argparse.Namespace) -> None:
    """Print the seconds of each way, how its matte differs, and what else a cut-out costs."""
    set_threads(options)
    photograph = read_photograph(options.photograph).pixels if options.photograph else draw()
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        model = load(options.model, folder)
        if options.cold:
            print_cold_starts(folder / "model.safetensors", photograph, folder, options.rounds)
            return
        print_limits(model, photograph)
        found = measure(make_ways(model, photograph, options.ways, folder), options.rounds)
        print_ways(found)
        print_colours(photograph, found["float32"], options.rounds)
        print_cold_starts(folder / "model.safetensors", photograph, folder, options.rounds)


def set_threads(options: argparse.Namespace) -> None:
    """Check the numbers that both comparisons take, and set the threads."""
    if min(options.rounds, options.threads, options.side) < 1:
        raise InputError(
            f"--rounds {options.rounds}, --threads {options.threads}, --side {options.side}: give "
            "1 or more of each"
        )
    torch.set_num_threads(options.threads)


def print_table_7(options: argparse.Namespace) -> None:
    """Parameters, multiply-adds and seconds of GFM-TT with each backbone, beside the paper's.

    The paper does not say what its seconds include; ours are of one pass of the whole network, from
    an image on the device to its alpha. The weights are random.
    """
    set_threads(options)
    device, side = resolve_device(options.device), options.side
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{options.threads} threads"
    print(f"GFM-TT at {side}x{side} on {device.type} ({name}); paper: 800x800 on a Tesla V100")
    print(f"{'':8}{'parameters, paper':>20}{'GMac, paper':>22}{'seconds, paper':>20}")
    for backbone in options.backbones:
        paper = TABLE_7[backbone]
        with torch.device("meta"):
            counts = count_multiply_adds(GFM(GFMConfig(backbone)).eval(), side, side)
        model = GFM(GFMConfig(backbone)).eval().to(device).to(memory_format=torch.channels_last)
        parameters = sum(count_parameters(model).values()) / 1e6
        seconds = time_passes(model, torch.rand(1, 3, side, side, device=device), options.rounds)
        print(
            f"{backbone:8}{parameters:10.2f} M{paper.parameters:8.2f}"
            f"{sum(counts.values()) / 1e9:14.2f}{paper.gmac:8.2f}"
            f"{seconds:12.4f}{paper.seconds:8.4f}"
        )


def time_passes(model: GFM, image: Tensor, rounds: int) -> float:
    """The fewest seconds of several passes, after one that is not counted."""

    def once() -> None:
        model(image)
        if image.is_cuda:
            torch.cuda.synchronize()

    with torch.inference_mode():
        once()
        return min(timed(once)[0] for _ in range(rounds))


def load(path: str | None, folder: Path) -> GFM:
    """The model of a file, or one of random weights whose norms have seen a picture.

    It is also written to the folder.
    """
    if path:
        loaded = load_network(path, "cpu")
        if not isinstance(loaded, GFM):
            raise InputError(f"{path}: is a network of {loaded.system}; give one of glance_focus")
        model = loaded
    else:
        torch.manual_seed(0)
        model = GFM().train()
        for layer in model.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        with torch.no_grad():
            model(as_tensor(resize(draw(), (320, 480))))
    gfm.save_model(model.eval(), folder / "model.safetensors")
    return model


def draw() -> Image:
    """A picture with soft and hard edges, uint8 RGB (1080, 1620, 3)."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 18, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = rng.normal(0, 6, smooth.shape)
    cv2.circle(smooth, (WIDTH // 2, HEIGHT // 2), HEIGHT // 3, (200, 120, 60), -1, cv2.LINE_AA)
    return np.rint(smooth + grain).clip(0, 255).astype(np.uint8)


def make_ways(model: GFM, photograph: Image, wanted: Sequence[str], folder: Path) -> dict[str, Way]:
    """Functions that matte the photograph, by the names of the ways."""

    def ours(network: MattingModel) -> Way:
        return lambda: gfm.matte(photograph, network, foreground="none").alpha

    made: dict[str, Way] = {
        PUBLISHED: lambda: published_schedule(model, photograph),
        "float32": ours(model),
    }
    if "bf16" in wanted:
        if has_bfloat16():
            made["bf16"] = ours(copy.deepcopy(model).bfloat16())
        else:
            print(
                "bf16: left out, for this processor has no instructions for it (AVX512-BF16, AMX)"
            )
    for name, (kind, precision) in BACKENDS.items():
        if name in wanted:
            path = folder / f"model{SUFFIXES[kind]}"
            if not path.exists():
                export(model, path, kind)
            runtime = OpenVino(path, "cpu", precision) if kind == "openvino" else OnnxRuntime(path)
            made[name] = ours(ExportedModel(runtime, path))
    return made


def has_bfloat16() -> bool:
    """Return True if the processor multiplies in bfloat16 faster than it converts to float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def published_schedule(model: GFM, photograph: Image) -> Matte:
    """The hybrid test of the released script: whole passes at 1/3 and 1/2, fused at full size."""
    height, width = photograph.shape[:2]

    with torch.inference_mode():
        third, half = (
            as_tensor(resize(photograph, size))
            for size in (pass_size(height, width, d, squeeze=True) for d in REDUCTIONS)
        )
        glance, focus = (
            functional.interpolate(maps, (height, width), mode="bilinear")
            for maps in (model(third).glance, model(half).focus)
        )
        glance, focus = glance.argmax(dim=1)[0], focus[0, 0]
        fused = torch.where(glance == 1, focus, (glance == 2).to(focus.dtype))
    found: Matte = fused.numpy()
    return found


def as_tensor(image: Image) -> Tensor:
    """The image as (1, 3, H, W) in [0, 1], channel after channel in memory."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255


def measure(made: dict[str, Way], rounds: int) -> dict[str, Result]:
    """The matte of each way, and the fewest seconds of several rounds in which they take turns."""
    found = {name: Result(way(), *NEVER) for name, way in made.items()}  # compiles as well
    for _ in range(rounds):
        for name, way in made.items():
            seconds, cores = timed(way)
            best = found[name]
            found[name] = Result(best.alpha, min(best.seconds, seconds), min(best.cores, cores))
    return found


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that pass, and that the cores work for this process."""
    began, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - worked


def print_limits(model: GFM, photograph: Image) -> None:
    """Print the time of the convolutions of both schedules at the rate of a matrix product."""
    with torch.device("meta"):
        empty = GFM(model.config).eval()
    height, width = photograph.shape[:2]
    third, half = (count_multiply_adds(empty, *pass_size(height, width, d)) for d in REDUCTIONS)
    whole = 2 * (sum(third.values()) + sum(half.values()))
    needed = 2 * (third["encoder"] + third["glance"] + half["encoder"] + half["focus"])
    one, other = torch.rand(2, SIDE, SIDE)
    rates = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        a, b = one.to(kind), other.to(kind)
        rates[name] = 2 * SIDE**3 / min(timed(partial(torch.matmul, a, b))[1] for _ in range(4))
    print(
        f"{torch.get_num_threads()} threads; published {whole / 1e9:.0f} GFLOP, needed "
        f"{needed / 1e9:.0f}: at most {whole / needed:.2f}x by leaving out; matrix product, GFLOP "
        "in a second of a core: "
        + ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in rates.items())
    )
    print(f"{'limit of the published':24} {'':>8}   {whole / rates['float32']:8.2f} s of cores")
    print(f"{'limit of the needed':24} {'':>8}   {needed / rates['float32']:8.2f} s of cores")


def print_ways(found: dict[str, Result]) -> None:
    """Seconds of each way, how much faster it is, and how far its matte is from the published."""
    first = found[PUBLISHED]
    print(f"{'way':24} {'passed':>8}   {'cores':>8}   faster (passed, cores)   mean |d alpha|")
    for name, way in found.items():
        print(
            f"{name:24} {way.seconds:8.2f} s {way.cores:8.2f} s "
            f"{first.seconds / way.seconds:7.2f}x {first.cores / way.cores:7.2f}x"
            f"{np.abs(way.alpha - first.alpha).mean():22.6f}"
        )


def print_colours(photograph: Image, matte: Result, rounds: int) -> None:
    """Print the time that the estimation of colours adds, for this matte and a usual one."""
    height, width = photograph.shape[:2]
    disc = np.zeros((height, width), np.float32)
    cv2.circle(disc, (width // 2, height // 2), height // 3, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(disc, (0, 0), 6), np.float32)
    soft = np.where(soft > 0.995, 1, np.where(soft < 0.005, 0, soft)).astype(np.float32)
    for name, alpha in (("this matte", matte.alpha), ("a disc with a soft rim", soft)):
        estimate_colours(photograph, alpha)
        estimated = partial(estimate_colours, photograph, alpha)
        cores = min(timed(estimated)[1] for _ in range(rounds))
        part = ((alpha > 0) & (alpha < 1)).mean()
        print(
            f"colours of {name} ({part:.1%} of it soft): {cores:.2f} s of cores, "
            f"{cores / matte.cores:.0%} of the passes"
        )


def print_cold_starts(model: Path, photograph: Image, folder: Path, rounds: int) -> None:
    """Seconds from starting Python to the first cut-out, the fewest, and what cores did in them."""
    picture = folder / "photograph.png"
    write_rgb(picture, photograph)
    for name in ("none", "multilevel"):
        starts = [cold_start(model, picture, name) for _ in range(rounds)]
        passed = min(seconds for seconds, _ in starts)
        stages = min((cores for _, cores in starts), key=sum)
        print(
            f"cold start, colours {name:12} {passed:6.2f} s, of cores {sum(stages):6.2f} s: "
            + ", ".join(
                f"{part} {seconds:.2f}" for part, seconds in zip(STAGES, stages, strict=True)
            )
        )


def cold_start(model: Path, picture: Path, colours: str) -> tuple[float, list[float]]:
    """Seconds of one new process, and those that cores work for each of its `STAGES`."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", COLD, str(model), str(picture), colours],
        check=True,
        capture_output=True,
        text=True,
    )
    passed = time.perf_counter() - began
    ends = [0.0, *map(float, done.stdout.split())]
    return passed, [after - before for before, after in pairwise(ends)]


if __name__ == "__main__":
    sys.exit(main())
