"""Show what a large photograph keeps in tiles and loses in one resized pass: hair of 1 to 4 px.

An object with strands around it is drawn at 8,000 x 6,000 px with its true matte. A network that
was trained on such drawings mattes it in one pass of at most 1,600 px and in tiles under a limit on
memory, each in a process of its own, whose peak is measured. Without --model the small network
of the package is trained first, for --minutes.
"""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

import gfm
from gfm.checkpoints.files import load_network
from gfm.data.crops import Planes
from gfm.data.samples import Crop
from gfm.metrics import gradient_error
from gfm.models.glance_focus.loss import GFMLoss
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.targets import labelled
from gfm.models.memory import parse_memory
from rssn.imaging.console import Bar, run_command
from rssn.imaging.errors import InputError
from rssn.imaging.resizing import resize
from rssn.imaging.writing import write_rgb

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

WIDTHS = (1, 2, 3, 4)  # px, of strands
SPACING = 14.0  # px of the object's outline for each strand
LENGTHS = (300, 1300)  # px, of strands
STEPS = 24  # of a strand's polyline
SUBPIXEL = 4  # bits of its positions
REDUCTIONS = (1, 2, 5)  # of training crops: those of the passes that are compared
CROP, BATCH = 128, 6  # px; crops
KERNEL = 25  # px, of the labels
NEAR = 25  # px around strands that count as their region
STRIP, HALO = 1000, 16  # rows that are compared at a time, and those around for the gradient
PASSES = {
    "one pass of 1,600 px": {"strategy": "resize", "d2": 5.0},
    "tiles at 1/2": {"d1": 5.0, "d2": 2.0},
    "tiles at full size": {"d1": 5.0, "d2": 1.0},
}
MATTE = """
import json, resource, sys
import numpy as np
import gfm
model, picture, limit, how, target = sys.argv[1:]
limit = None if "strategy" in how else limit
model = gfm.load_model(model, "cpu")
made = gfm.matte(picture, model, foreground="none", max_memory=limit, **json.loads(how))
np.save(target, np.rint(made.alpha * 65535).astype(np.uint16))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


class Drawing(NamedTuple):
    """A picture with its truth.

    Attributes:
        image: uint8 RGB (H, W, 3).
        alpha: True matte (H, W), uint8.
        widths: Of the strand at each pixel, px (H, W), uint8; 0 where there is none.
    """

    image: Image
    alpha: Image
    widths: Image


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, help="trained on such drawings; trained now by default")
    add("--minutes", type=float, default=8, help="of training (default 8)")
    add("--size", type=int, nargs=2, default=(8000, 6000), metavar=("WIDTH", "HEIGHT"))
    add("--max-memory", default="4GB", help="of the tiles (default 4GB)")
    add("--out", type=Path, required=True, help="gets the model, the figures and crops to look at")
    options = parser.parse_args()
    return run_command(lambda: compare(options))


def compare(options: argparse.Namespace) -> None:
    """Print errors around the strands, the seconds and the peak memory of each way."""
    if not options.minutes > 0 or min(options.size) < 1000:
        raise InputError(
            f"--minutes {options.minutes:g}: give more than 0; --size {options.size[0]} "
            f"{options.size[1]}: give 1000 px or more"
        )
    parse_memory(options.max_memory)
    options.out.mkdir(parents=True, exist_ok=True)
    model = options.model
    if model is None:
        model = options.out / "strands.safetensors"
        gfm.save_model(train(options.minutes), model)
    width, height = options.size
    rng = np.random.default_rng(1)
    radius = min(height, width) * 0.27
    drawing = draw(rng, (height, width), (width / 2, height / 2), radius)
    found = {}
    with TemporaryDirectory(prefix="bench-") as name:
        picture = Path(name) / "picture.png"
        write_rgb(picture, drawing.image)
        for way, how in PASSES.items():
            target = Path(name) / "alpha.npy"
            given = [str(model), str(picture), options.max_memory, json.dumps(how), str(target)]
            began = time.monotonic()
            done = subprocess.run(
                [sys.executable, "-c", MATTE, *given], stdout=subprocess.PIPE, text=True, check=True
            )
            seconds = time.monotonic() - began
            found[way] = np.load(target)
            print(
                f"{way:22} {int(done.stdout) / 1e9:5.2f} GB at most {seconds:7.1f} s   "
                + describe(found[way], drawing),
                flush=True,
            )
    write_crops(options.out, drawing, found, (height // 2, int(width / 2 + radius)))


def draw(
    rng: np.random.Generator,
    size: tuple[int, int],
    centre: tuple[float, float],
    radius: float,
) -> Drawing:
    """Draw a disc with strands around it before a blurred background.

    Args:
        rng: Decides everything else.
        size: Height and width of the picture in px.
        centre: Of the disc, x and y in px; it may lie outside.
        radius: Of the disc in px.
    """
    colours = rng.integers(0, 256, (2, 3))
    front, back = (_texture(rng, size, colour) for colour in colours)
    alpha = np.zeros(size, np.uint8)
    widths = np.zeros(size, np.uint8)
    middle = (round(centre[0]), round(centre[1]))
    for points, thickness in _strands(rng, size, centre, radius):
        shade = (colours[0] * rng.uniform(0.6, 1.2) + rng.normal(0, 12, 3)).clip(0, 255)
        line = [np.rint(points * 2**SUBPIXEL).astype(np.int32)]
        cv2.polylines(front, line, False, shade.tolist(), thickness + 4, cv2.LINE_8, SUBPIXEL)
        cv2.polylines(alpha, line, False, 255, thickness, cv2.LINE_AA, SUBPIXEL)
        cv2.polylines(widths, line, False, thickness, thickness, cv2.LINE_8, SUBPIXEL)
    cv2.circle(alpha, middle, round(radius), 255, -1, cv2.LINE_AA)
    cv2.circle(widths, middle, round(radius) + 2, 0, -1)
    image = np.empty_like(front)
    for start in range(0, size[0], STRIP):
        rows = slice(start, start + STRIP)
        part = alpha[rows, :, None].astype(np.float32) / 255
        mixed: NDArray[Any] = back[rows] + part * (front[rows].astype(np.float32) - back[rows])
        mixed = mixed + 2 * rng.standard_normal(mixed.shape, np.float32)
        image[rows] = np.rint(mixed).clip(0, 255)
    return Drawing(image, alpha, widths)


def _texture(rng: np.random.Generator, size: tuple[int, int], colour: NDArray[np.int64]) -> Image:
    """A colour that changes slowly over the picture (H, W, 3)."""
    cells = [max(2, side // 300 + 1) for side in size]
    coarse = (colour + rng.normal(0, 30, (*cells, 3))).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def _strands(
    rng: np.random.Generator, size: tuple[int, int], centre: tuple[float, float], radius: float
) -> Iterator[tuple[NDArray[np.float64], int]]:
    """Polylines (STEPS + 1, 2) of x and y that start on the disc, with their width in px.

    Strands that cannot reach the picture are left out.
    """
    angles = np.arange(0, 2 * math.pi, SPACING / radius)
    count = len(angles)
    starts = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lengths = rng.uniform(*LENGTHS, count)
    thickness = rng.choice(WIDTHS, count)
    outside = np.hypot(*(starts - starts.clip(0, size[::-1])).T)
    for index in np.flatnonzero(outside <= lengths):
        bend = rng.normal(0, 0.05, STEPS).cumsum() * rng.uniform(0, 1)
        heading = angles[index] + rng.normal(0, 0.35) + bend
        steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (lengths[index] / STEPS)
        points = np.vstack([starts[index], starts[index] + steps.cumsum(axis=0)])
        yield points, int(thickness[index])


def train(minutes: float) -> GFM:
    """Train the small network of the package on crops of drawings, at the sizes of the passes."""
    model = cast(GFM, load_network(device="cpu"))
    model.config = replace(model.config, glance_side=None)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.02)
    rng = np.random.default_rng(0)
    began, losses = time.monotonic(), []
    with Bar("Train") as bar:
        while (part := (time.monotonic() - began) / (60 * minutes)) < 1:
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * (1 + math.cos(math.pi * part)) / 2
            crops = [_crop(rng, REDUCTIONS[i % len(REDUCTIONS)]) for i in range(BATCH)]
            batch = labelled(crops, "TT", KERNEL)
            truth = (batch.image, batch.alpha, batch.foreground, batch.background)
            terms = GFMLoss().forward(model.train()(batch.image), batch.targets["TT"], *truth)
            optimizer.zero_grad(set_to_none=True)
            terms["total"].backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(terms["alpha"].item())
            bar.advance(note=f"alpha {np.mean(losses[-50:]):.4f}")
    return model.eval()


def _crop(rng: np.random.Generator, reduction: int) -> Crop:
    """A crop of a drawing at 1/reduction of its size, beside the edge of the disc."""
    side = CROP * reduction
    radius = rng.uniform(400, 2200)
    away = rng.uniform(-0.7 * side, LENGTHS[1])  # of the edge from the middle of the crop
    angle = rng.uniform(0, 2 * math.pi)
    towards = np.array([math.cos(angle), math.sin(angle)])
    centre = side / 2 - towards * (radius + away)
    drawing = draw(rng, (side, side), (float(centre[0]), float(centre[1])), radius)
    size = (CROP, CROP)
    levels = cv2.resize(drawing.alpha, size, interpolation=cv2.INTER_AREA)
    alpha = levels.astype(np.float32) / np.float32(255)
    return Crop("", Planes(resize(drawing.image, size), alpha, None, None), 1.0)


def describe(found: NDArray[np.uint16], drawing: Drawing) -> str:
    """Errors near the strands, and how much of the strands of each width was found."""
    errors = gradients = pixels = 0.0
    hair = dict.fromkeys(WIDTHS, (0.0, 0.0))
    height = len(found)
    for start in range(0, height, STRIP):
        first, last = max(start - HALO - NEAR, 0), min(start + STRIP + HALO + NEAR, height)
        wide, inner = slice(first, last), slice(start - first, min(start + STRIP, height) - first)
        pred = found[wide].astype(np.float32) / 65535
        alpha = drawing.alpha[wide].astype(np.float32) / 255
        widths = drawing.widths[wide]
        near = cv2.dilate((widths > 0).astype(np.uint8), np.ones((NEAR, NEAR), np.uint8)) > 0
        near &= cv2.erode(alpha, np.ones((NEAR, NEAR), np.uint8)) < 1  # not the disc
        mask = near[inner]
        errors += float(np.abs(pred - alpha)[inner][mask].sum())
        gradients += float(gradient_error(pred, alpha, "gfm")[inner][mask].sum())
        pixels += float(mask.sum())
        for width, (got, there) in hair.items():
            on = widths[inner] == width
            hair[width] = (
                got + float(np.minimum(pred, alpha)[inner][on].sum()),
                there + float(alpha[inner][on].sum()),
            )
    kept = ", ".join(f"{width} px {got / there:.0%}" for width, (got, there) in hair.items())
    return f"MAD {errors / pixels:.4f}, Grad {gradients / 1000:7.1f}; found of strands: {kept}"


def write_crops(
    folder: Path,
    drawing: Drawing,
    found: dict[str, NDArray[np.uint16]],
    centre: tuple[int, int],
    sides: Sequence[int] = (1200, 300),
) -> None:
    """Write the picture, its matte and those that were found, side by side, one file a size."""
    for side in sides:
        y, x = centre[0] - side // 2, centre[1] + 250 - side // 2
        part = np.s_[y : y + side, x : x + side]
        mattes = [
            drawing.alpha[part],
            *((alpha[part] >> 8).astype(np.uint8) for alpha in found.values()),
        ]
        shown = [drawing.image[part], *(np.repeat(matte[..., None], 3, 2) for matte in mattes)]
        scale = 600 / side
        way = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
        tiles = [cv2.resize(each, (600, 600), interpolation=way) for each in shown]
        write_rgb(folder / f"crop_{side}.png", np.hstack(tiles))


if __name__ == "__main__":
    sys.exit(main())
