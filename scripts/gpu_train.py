"""Train GFM from a file of material in short runs, each going on where the last one ended.

For machines that are lent for minutes: needs torch, timm, pytorch-lightning, OpenCV and numba
alone. Trains in bfloat16 with channels_last for `--minutes`, composing on the fly on all cores,
along a cosine of the learning rate over `--budget` minutes. It ends with `state-N.pt` (weights in
float32, moments of the optimizer in bfloat16, in files of at most 15 MiB), `weights.safetensors`
(float16, the moving average) and `log.csv`. The next run with the same `--out` goes on from there;
`--resume` names another folder to go on from.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from gfm.checkpoints.files import save_model
from gfm.data.material import MaterialOptions, MaterialSet
from gfm.data.samples import Batch, Crop
from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.loss import GFMLoss
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.targets import labelled
from gfm.training.parameter_groups import parameter_groups
from gfm.training.schedule import cosine_factor
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError
from rssn.shards.material import Material

PART = 15 * 2**20  # bytes of a file of the state
KERNEL = 9 / 192  # of the labels, relative to the crop's side
WARM_AVERAGE = 10  # the average follows fast at first: decay at most (1 + n) / (10 + n)
HALF = (0.5, 0.5, 0.5)
WEIGHTS = {
    "ccp": 0.5,
    "feral_cat": 0.6,
    "cat81": 0.6,
    "photos": 12.0,
    "cutouts": 2.0,
    "emoji": 0.25,
}


class Samples(IterableDataset[Batch]):
    """Batches without end; each worker draws its own from the seed, its number and `first`."""

    def __init__(self, samples: MaterialSet, size: int, batch: int, first: int) -> None:
        self.samples, self.size, self.batch, self.first = samples, size, batch, first

    def __iter__(self) -> Iterator[Batch]:
        cv2.setNumThreads(0)
        worker = get_worker_info()
        rng = np.random.default_rng([self.first, worker.id if worker else 0])
        while True:
            drawn = [
                Crop(str(n), self.samples.draw(self.size, rng), 1.0) for n in range(self.batch)
            ]
            yield labelled(drawn, "TT", round(KERNEL * self.size))


def main() -> int:
    """The command; 0 done, 2 usage."""
    parser = argparse.ArgumentParser(prog="gpu_train", description=__doc__)
    add = parser.add_argument
    add("--material", type=Path, required=True, help="file of gpu_pack.py or lite_material.py")
    add("--encoder", type=Path, help="ImageNet weights of the encoder; not needed to go on")
    add("--backbone", default="timm:tf_efficientnet_lite2")
    add("--width", type=float, default=1.0, help="factor on the decoders' channels")
    add("--size", type=int, default=320, help="side of the crops in px")
    add("--batch", type=int, default=64)
    add("--minutes", type=float, default=8.5, help="of this run")
    add("--budget", type=float, default=25.0, help="minutes of all runs together")
    add("--rate", type=float, default=1.5e-3, help="largest learning rate of the decoders")
    add("--encoder-rate", type=float, default=5e-4)
    add("--ema", type=float, default=0.999)
    add("--composites", type=float, default=0.5, help="share of composed samples")
    add("--workers", type=int, default=15)
    add("--seed", type=int, default=0)
    add("--out", type=Path, required=True)
    add("--resume", type=Path, help="folder of an earlier run")
    options = parser.parse_args()
    return run_command(lambda: run(options))


def run(options: argparse.Namespace) -> None:
    """Train for some minutes."""
    began = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    state = read_state(options.resume or options.out)
    if state is None and options.resume is not None:
        raise InputError(f"{options.resume}: holds no state-*.pt; leave --resume out to begin anew")
    config = GFMConfig(options.backbone, width=options.width, separable=True, mean=HALF, std=HALF)
    model = GFM(config, None if state else options.encoder).train().to(device)
    model = model.to(memory_format=torch.channels_last)
    groups = parameter_groups(model, options.rate, options.encoder_rate, 0.02)
    bases = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups, fused=device.type == "cuda")
    step, seconds = 0, 0.0
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(widened(state["optimizer"]))
        step, seconds = state["step"], state["seconds"]
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    draw = replace(MaterialOptions(), composites=options.composites)
    material = Material(options.material)
    sources = {picture.source for picture in material.pictures}
    draw = replace(draw, weights={n: w for n, w in WEIGHTS.items() if n in sources})
    samples = MaterialSet(material, draw)
    model.licences = samples.licences()
    batches = DataLoader(
        Samples(samples, options.size, options.batch, options.seed + step),
        batch_size=None,
        num_workers=options.workers,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if options.workers else None,
    )
    loss_of, rows, waited = GFMLoss("paper"), [], 0.0
    first, sums = step, torch.zeros(3, device=device)
    loop = iter(batches)
    start = time.monotonic()
    while time.monotonic() - began < 60 * options.minutes:
        asked = time.monotonic()
        batch = next(loop)
        waited += time.monotonic() - asked
        done = (seconds + time.monotonic() - start) / (60 * options.budget)
        for group, base in zip(optimizer.param_groups, bases, strict=True):
            group["lr"] = base * cosine_factor(min(done, 1.0))
        terms = training_step(model, optimizer, loss_of, batch, device)
        step += 1
        decay = min(options.ema, (1 + step - first) / (WARM_AVERAGE + step - first))
        update(average, model, decay)
        sums += torch.stack([terms["total"], terms["glance"], terms["alpha"]]).detach()
        if step % 50 == 0:
            spent = time.monotonic() - start
            means = (sums / 50).tolist()
            sums.zero_()
            rate = (step - first) * options.batch / spent
            rows.append([step, round(seconds + spent, 1), *means, rate, waited / spent])
            print(
                f"step {step}: loss {means[0]:.4f}, alpha {means[2]:.4f}, {rate:.0f} samples per "
                f"second, {waited / spent:.0%} waiting for data",
                flush=True,
            )
    seconds += time.monotonic() - start
    write(options.out, model, optimizer, average, step, seconds)
    write_log(options.out / "log.csv", rows)
    print(f"{step - first} steps, {(step - first) * options.batch} samples; in {options.out}")


def training_step(
    model: GFM,
    optimizer: torch.optim.Optimizer,
    loss_of: GFMLoss,
    batch: Batch,
    device: torch.device,
) -> dict[str, torch.Tensor]:
    """One step; the terms of its loss."""
    image = batch.image.to(device, non_blocking=True, memory_format=torch.channels_last)
    alpha = batch.alpha.to(device, non_blocking=True)
    labels = type(batch.targets["TT"])(
        *(each.to(device, non_blocking=True) for each in batch.targets["TT"])
    )
    with torch.autocast(device.type, torch.bfloat16):
        made = model(image)
    terms = loss_of(made, labels, image, alpha)
    optimizer.zero_grad(set_to_none=True)
    terms["total"].backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return dict(terms)


@torch.no_grad()
def update(average: dict[str, torch.Tensor], model: GFM, decay: float) -> None:
    """Move the average towards the model."""
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, 1 - decay)
        else:
            average[name].copy_(value)


def write(
    out: Path,
    model: GFM,
    optimizer: torch.optim.Optimizer,
    average: dict[str, torch.Tensor],
    step: int,
    seconds: float,
) -> None:
    """Write the state in parts, and the averaged weights."""
    state = {
        "model": {name: value.cpu() for name, value in model.state_dict().items()},
        "optimizer": narrowed(optimizer.state_dict()),
        "step": step,
        "seconds": seconds,
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    for old in out.glob("state-*.pt"):
        old.unlink()
    for number, begin in enumerate(range(0, len(data), PART)):
        (out / f"state-{number}.pt").write_bytes(data[begin : begin + PART])
    model.load_state_dict(average)
    save_model(model.eval(), out / "weights.safetensors", half=True)


def read_state(folder: Path) -> dict[str, Any] | None:
    """The state in a folder; None where there is none."""
    parts = sorted(folder.glob("state-*.pt"), key=lambda path: int(path.stem.partition("-")[2]))
    if not parts:
        return None
    data = b"".join(part.read_bytes() for part in parts)
    state: dict[str, Any] = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    return state


def narrowed(state: dict[str, Any]) -> dict[str, Any]:
    """The state of an optimizer on the CPU, its moments in bfloat16."""
    return {**state, "state": {k: _cast(v, torch.bfloat16) for k, v in state["state"].items()}}


def widened(state: dict[str, Any]) -> dict[str, Any]:
    """The state of an optimizer with moments in float32."""
    return {**state, "state": {k: _cast(v, torch.float32) for k, v in state["state"].items()}}


def _cast(moments: dict[str, torch.Tensor], kind: torch.dtype) -> dict[str, torch.Tensor]:
    return {
        name: value.cpu() if name == "step" else value.cpu().to(kind)
        for name, value in moments.items()
    }


def write_log(path: Path, rows: list[list[float]]) -> None:
    """Add lines to the log."""
    is_new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if is_new:
            writer.writerow(
                ["step", "seconds", "loss", "glance", "alpha", "samples_per_second", "waiting"]
            )
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
