"""Small networks, photographs and shards for the tests of this folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.network import GFM, Matting, RimMatting
from rssn.imaging.blending import blend
from rssn.imaging.writing import write_alpha, write_rgb
from rssn.route.compose import Composite
from rssn.shards.manifest import Manifest, Plan
from rssn.shards.tars import encode_sample, write_shard

Network = TypeVar("Network", bound=torch.nn.Module)

ROSTAS = ("TT", "FT", "BT", "RIM")
COUNT, HEIGHT, WIDTH = 6, 96, 128  # of frames


def build(backbone: str = "timm:test_resnet", rosta: str = "TT", **options: object) -> GFM:
    """An untrained network in eval mode whose norms have seen a batch, so that classes vary."""
    torch.manual_seed(0)
    model = GFM(GFMConfig(**{"backbone": backbone, "rosta": rosta, "width": 0.25} | options))
    if model.rim is not None:
        torch.nn.init.constant_(model.rim.merge.bias, 0.5)  # else its mattes may be clear all over
    return settled(model, lambda: model(random_image(64, 96, batch=2)))


def settled(network: Network, see: Callable[[], object]) -> Network:
    """A network in eval mode whose norms have the statistics of the batch that it is let see."""
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    network.train()
    with torch.no_grad():
        see()
    for norm in norms:
        norm.momentum = 0.1
    return network.eval()


def shared(backbone: str = "timm:test_resnet", rosta: str = "TT") -> GFM:
    """`build`, once for all tests; a test that changes the mode changes it back."""
    with torch.inference_mode(False):  # or the first test to ask decides what it is good for
        return _built(
            backbone, rosta
        )  # however the arguments were given, which a cache tells apart


_built = functools.cache(build)


def random_image(height: int, width: int, batch: int = 1, seed: int = 0) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(seed))


def tensor(image: np.ndarray) -> Tensor:
    """A photograph (H, W, 3) as the network takes it; its memory has the channels last."""
    return torch.from_numpy(image[None]).permute(0, 3, 1, 2).float() / 255


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Maps (B, C, h, w) at another size (H, W), as the published code enlarges them."""
    return functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)


def parts_of(output: Matting | RimMatting) -> dict[str, Matting]:
    """The output of each representation, by its name."""
    if isinstance(output, RimMatting):
        return {"TT": output.tt, "FT": output.ft, "BT": output.bt}
    return {"": output}


def draw_matte(height: int = 48, width: int = 64, radius: float = 14, rim: float = 6) -> np.ndarray:
    """A float32 matte in 8-bit levels: a disc whose edge falls from 1 to 0 over `rim` px."""
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - height / 2, x - width / 2)
    alpha = ((radius - distance) / rim + 0.5).clip(0, 1)
    return (np.rint(alpha * 255) / 255).astype(np.float32)


def draw_photograph(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """A uint8 picture: a colour ramp of its own with a little grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    low, high = rng.uniform(20, 110, 3), rng.uniform(140, 230, 3)
    ramp = low + (high - low) * ((x / width + y / height) / 2)[..., None]
    return np.rint(ramp + rng.normal(0, 2, (height, width, 3))).clip(0, 255).astype(np.uint8)


def clip_frame(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A frame of a clip, whose brightness tells its number."""
    return (draw_photograph(3, height, width) // 2 + 20 * (number % COUNT)).astype(np.uint8)


def clip_frames(count: int = COUNT, height: int = HEIGHT, width: int = WIDTH) -> list[np.ndarray]:
    return [clip_frame(number, height, width) for number in range(count)]


def write_photographs(folder: Path, count: int) -> Path:
    """Photographs with mattes in original/ and mask/, named p0, p1, ..."""
    for name in ("original", "mask"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        write_rgb(folder / "original" / f"p{number}.png", draw_photograph(number))
        write_alpha(folder / "mask" / f"p{number}.png", draw_matte())
    return folder


def write_shards(folder: Path, counts: Sequence[int], side: int = 64) -> Path:
    """Shards of so many samples each, with their manifest; the keys are s0, s1, ..."""
    folder.mkdir(parents=True)
    shards, number = [], 0
    for index, count in enumerate(counts):
        samples = []
        for _ in range(count):
            alpha = draw_matte(side, side, radius=side / 4 + number)
            colours = [draw_photograph(seed, side, side) for seed in (2 * number, 2 * number + 1)]
            composite = Composite(blend(alpha, *colours), alpha, *colours, record={"noise": None})
            samples.append((f"s{number}", encode_sample(composite, "png")))
            number += 1
        shards.append(write_shard(folder / f"shard-{index:05d}.tar", samples))
    Manifest(Plan({}, {}, ""), shards, folder=folder).write()
    return folder
