"""Golden values of `tests/golden`, and the seeded weights and images that they belong to."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).parents[1] / "golden"
RELEASED = (
    *(("r34", "TT"), ("r34", "FT"), ("r34", "BT"), ("r34", "RIM")),
    *(("r34_2b", "TT"), ("r34_2b", "FT"), ("r34_2b", "RIM")),
    *(("d121", "TT"), ("d121", "BT"), ("d121", "RIM")),
    *(("r101", "TT"), ("r101", "RIM")),
)
# Networks with golden outputs, and the tolerance of their glances. The files hold float32 results.
# Evaluated in float64, which no machine rounds differently, all are within 2e-4 but the glance of
# r34_2b, whose own rounding is 2.2e-4.
OUTPUTS = {
    "r34_TT": 2e-4,
    "r34_FT": 2e-4,
    "r34_BT": 2e-4,
    "r34_RIM": 2e-4,
    "d121_TT": 2e-4,
    "r34_2b_TT": 3e-4,
}
MATTES = ("matte_1", "matte_2")

Shape = tuple[int, ...]


class Entries(NamedTuple):
    """Entries of a released checkpoint.

    Attributes:
        shapes: The shape of each entry, second copies included.
        aliases: The first copy's key for each entry that is stored twice.
    """

    shapes: dict[str, Shape]
    aliases: dict[str, str]


def released_entries(backbone: str, rosta: str) -> Entries:
    """Keys and shapes of a released checkpoint."""
    spec = json.loads((FOLDER / f"keys_{backbone}.json").read_text())
    shapes = {key: tuple(shape) for key, shape in (spec["shapes"] | spec[rosta]).items()}
    copies = {copy: shapes[key] for copy, key in spec["aliases"].items()}
    return Entries(shapes | copies, spec["aliases"])


def released_weights(backbone: str, rosta: str) -> dict[str, np.ndarray]:
    """A released checkpoint, filled by `fill` but for the recorded statistics of its norms.

    The statistics keep the activations, and so the golden outputs, well spread.
    """
    shapes, aliases = released_entries(backbone, rosta)
    with np.load(FOLDER / f"norms_{backbone}.npz") as norms:
        parts = np.split(norms["values"], np.cumsum(norms["sizes"])[:-1])
        statistics = dict(zip(norms["names"].tolist(), parts, strict=True))
    first = {key: aliases.get(key, key) for key in shapes}
    return {
        key: statistics[first[key]] if first[key] in statistics else fill(first[key], shape)
        for key, shape in shapes.items()
    }


def fill(key: str, shape: Shape) -> np.ndarray:
    """The values of one entry, from a generator that is seeded with its key."""
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode())))
    kind = key.rpartition(".")[2]
    if kind == "num_batches_tracked":
        return np.array(1, np.int64)
    if kind == "running_var":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if kind == "running_mean":
        return rng.normal(0, 0.1, shape).astype(np.float32)
    if len(shape) == 1:  # the scale of a norm is near 1, a bias near 0
        return rng.normal(float(kind == "weight"), 0.05, shape).astype(np.float32)
    deviation = math.sqrt(2 / math.prod(shape[1:]))  # He's, so that signals keep their size
    return rng.standard_normal(shape, np.float32) * np.float32(deviation)


def draw_waves(height: int, width: int, seed: int) -> np.ndarray:
    """The uint8 photograph (height, width, 3) of the golden outputs: waves, a disc and grain."""
    rng = np.random.Generator(np.random.PCG64(seed))
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = []
    for _ in range(3):
        across, down, phase = rng.uniform([0.01, 0.01, 0], [0.12, 0.12, 6.28])
        waves.append(127 + 90 * np.sin(across * x * 6.28 + phase) * np.cos(down * y * 6.28))
    image = np.stack(waves, axis=-1)
    disc = np.hypot(x - 0.55 * width, y - 0.45 * height) < 0.3 * min(height, width)
    image[disc] = 0.4 * image[disc] + (140, 60, 30)
    image += rng.normal(0, 6, image.shape)
    return np.rint(image).clip(0, 255).astype(np.uint8)


def golden_outputs(backbone: str, rosta: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The photograph, and what the released network gives for it, (1, C, H, W) each."""
    with np.load(FOLDER / f"{backbone}_{rosta}.npz") as file:
        outputs = dict(file)
    height, width = outputs.pop("hw").tolist()
    return draw_waves(height, width, int(outputs.pop("seed"))), outputs


def golden_matte(name: str) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Losses and metrics of a prediction by their names, and the arrays that they were taken of.

    The composite is blended, and the glances are drawn, as they were when the values were taken.
    """
    with np.load(FOLDER / f"{name}.npz") as file:
        arrays = dict(file)
    seed, start = arrays.pop("glance_stream").tolist()
    rng = np.random.Generator(np.random.PCG64(seed).advance(start))
    size = arrays["alpha"].shape
    for classes in (3, 2):
        arrays[f"glance{classes}"] = rng.random((1, classes, *size)).astype(np.float32)
    alpha = (arrays["alpha"].astype(np.float32) / np.float32(255))[..., None]
    blended = alpha * arrays["fg"] + (1 - alpha) * arrays["bg"]
    arrays["composite"] = np.floor(blended).astype(np.uint8)
    return json.loads((FOLDER / f"{name}.json").read_text()), arrays
