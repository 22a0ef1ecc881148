"""Overfit FBA at its published width on a few crops: what its network and losses must be able to.

    python scripts/overfit_fba.py --state fba.pt

Takes all crops in every step, from random weights, or goes on from the state that the last report
left. Ends when alpha in the unknown regions is right within 0.01 on average, as predicted, and
prints one line per report. Fusion is for inference: with
colours that are not learned yet it moves alpha away again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data_tools.scenes.scene import draw_scene
from gfm.blocks.fusion import fuse
from gfm.guidance.bands import random_trimap
from gfm.guidance.trimap import encode_trimap
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.loss import fba_loss
from gfm.models.fba.network import FBA, AlphaFB
from gfm.training.overfitting import keep_state, take_state

ENOUGH = 0.01  # mean error of alpha in the unknown region
RISE = 20  # steps over which the learning rate rises
FALL = 0.6  # share of the steps after which it falls


class Crop(NamedTuple):
    """One or several composites as a batch."""

    image: Tensor
    guidance: tuple[Tensor, Tensor]
    target: AlphaFB
    unknown: Tensor


def main() -> None:
    """Train, and report the error."""
    options = parse()
    torch.manual_seed(options.seed)
    crops = joined(
        [draw_crop(options.side, options.seed + number) for number in range(options.crops)]
    )
    network = FBA(FBAConfig(backbone=options.backbone))
    # After 75 steps on two crops of 64 px: Adam 0.050 at 1e-3 (0.069 at 3e-4), RAdam 0.084.
    optimizer = torch.optim.Adam(network.parameters(), options.learning_rate)
    begin, start = time.monotonic(), take_state(options.state, network, optimizer)
    (found, fused) = errors(network, crops)
    print(f"step {start}: error {found:.4f}, fused {fused:.4f}", flush=True)
    for step in range(start + 1, options.steps + 1):
        left = (options.steps - step) / (options.steps * (1 - FALL))
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * min(1, step / RISE, max(left, 0.01))
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            logits = network.train().logits(crops.image, *crops.guidance)
        loss = train(network, optimizer, crops, logits.float(), step > options.free)
        if step % options.report == 0 or step == options.steps:
            (found, fused), spent = errors(network, crops), time.monotonic() - begin
            print(
                f"step {step}: loss {loss:.4f}, error {found:.4f}, fused {fused:.4f}, "
                f"{spent:.0f} s",
                flush=True,
            )
            keep_state(options.state, step, network, optimizer)
            if found < ENOUGH:
                return
    sys.exit(f"error {found:.4f} after {options.steps} steps; wanted {ENOUGH}")


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default=FBAConfig().backbone)
    parser.add_argument("--crops", type=int, default=8)
    parser.add_argument("--side", type=int, default=128, help="of the crops, in px")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--free", type=int, default=150, help="first steps, without clamping alpha")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--report", type=int, default=50, help="steps between reports")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bf16", action="store_true", help="half the time, with AVX512-BF16")
    parser.add_argument("--state", type=Path, required=True, metavar="FILE", help="to go on from")
    return parser.parse_args()


def draw_crop(side: int, seed: int) -> Crop:
    """A drawn scene with its exact parts, and a trimap of it."""
    rng = np.random.default_rng(seed)
    scene = draw_scene(rng, side, side)
    trimap = random_trimap(scene.alpha, rng)
    front, back = (picture(part) for part in (scene.foreground, scene.background))
    alpha = torch.from_numpy(scene.alpha)[None, None]
    masks, maps = (torch.from_numpy(part)[None] for part in encode_trimap(trimap))
    unknown = torch.from_numpy(trimap == 128)[None, None].float()
    image = alpha * front + (1 - alpha) * back
    return Crop(image, (masks, maps), AlphaFB(alpha, front, back), unknown)


def joined(crops: list[Crop]) -> Crop:
    """Several crops as one batch."""
    images, guidance, targets, unknown = zip(*crops, strict=True)
    return Crop(
        torch.cat(images),
        (torch.cat([masks for masks, _ in guidance]), torch.cat([maps for _, maps in guidance])),
        AlphaFB(*(torch.cat(parts) for parts in zip(*targets, strict=True))),
        torch.cat(unknown),
    )


def picture(part: np.ndarray) -> Tensor:
    """Uint8 (H, W, 3) as (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(part).permute(2, 0, 1)[None].float() / 255


def train(
    network: FBA, optimizer: torch.optim.Optimizer, crops: Crop, logits: Tensor, clamp: bool
) -> float:
    """One step; its loss."""
    pred = network.activate(logits, clamp)
    loss = fba_loss(pred, crops.target, crops.image, crops.unknown)["total"]
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def errors(network: FBA, crops: Crop) -> tuple[float, float]:
    """Mean absolute error of alpha over the unknown pixels, as predicted and as fused."""
    with torch.inference_mode():
        made = network.eval().activate(network.logits(crops.image, *crops.guidance))
        fused = fuse(crops.image, *made)[0]  # type: ignore[arg-type]
    distances = [(alpha - crops.target.alpha).abs() for alpha in (made.alpha, fused)]
    first, second = (float((each * crops.unknown).sum()) for each in distances)
    count = float(crops.unknown.sum())
    return first / count, second / count


if __name__ == "__main__":
    main()
