"""Golden values of the guided systems in `tests/golden/guided`, and the inputs behind them."""

from __future__ import annotations

import json
import zlib
from functools import cache

import numpy as np
from golden import FOLDER, draw_waves, fill

GUIDED = FOLDER / "guided"


@cache
def cases(system: str) -> dict:
    return json.loads((GUIDED / f"{system}_golden.json").read_text())["cases"]


def inputs(system: str, case: str) -> dict[str, np.ndarray]:
    """The inputs of a case by their names, those of whole numbers checked by their CRC-32."""
    made = {}
    for name, entry in cases(system)[case]["inputs"].items():
        value = made[name] = MAKERS[entry["make"]](**entry["with"])
        if value.dtype.kind != "f":
            assert zlib.crc32(np.ascontiguousarray(value).tobytes()) == entry["crc"], name
    return made


def outputs(system: str, case: str) -> dict[str, np.ndarray]:
    """The golden outputs of a case by their names."""
    with np.load(GUIDED / f"{system}_golden.npz") as file:
        return {name: file[f"{case}/{name}"] for name in cases(system)[case]["outputs"]}


def check(system: str, case: str, **got: np.ndarray) -> None:
    """Compare arrays with the golden ones, each within its largest and its mean tolerance."""
    golden, bounds = outputs(system, case), cases(system)[case]["outputs"]
    for name, value in got.items():
        assert np.shape(value) == golden[name].shape, name
        difference = np.abs(np.asarray(value, np.float64) - golden[name].astype(np.float64))
        bound = bounds[name]
        assert difference.max(initial=0) <= bound["tolerance"], (name, difference.max())
        assert difference.mean() <= bound.get("mean_tolerance", np.inf), (name, difference.mean())


def weights(system: str, keys: str | None = None) -> dict[str, np.ndarray]:
    """A released checkpoint: filled from its key names, but for the stored statistics."""
    shapes = json.loads((GUIDED / f"{keys or system}_keys.json").read_text())["shapes"]
    with np.load(GUIDED / f"{system}_stats.npz") as file:
        stored = {name.removeprefix("stats/"): file[name] for name in file.files}
    return {
        key: stored[key] if key in stored else fill(key, tuple(shape))
        for key, shape in shapes.items()
    }


def probe(values: np.ndarray) -> np.ndarray:
    """48 values, evenly spread, of a large array."""
    flat = np.asarray(values).reshape(-1)
    return flat[np.rint(np.linspace(0, flat.size - 1, 48)).astype(int)]


def draw_depth(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Pixels inside a wavy disc, negative outside (H, W)."""
    rng = np.random.Generator(np.random.PCG64(1000 + seed))
    lobes, phase, swing = int(rng.integers(3, 7)), rng.uniform(0, 6.28), rng.uniform(0.08, 0.16)
    centre_y, centre_x = height * rng.uniform(0.42, 0.58), width * rng.uniform(0.42, 0.58)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    angle = np.arctan2(y - centre_y, x - centre_x)
    radius = 0.33 * min(height, width) * (1 + swing * np.sin(lobes * angle + phase))
    return radius - np.hypot(y - centre_y, x - centre_x)


def draw_matte(height: int, width: int, seed: int = 0, soft: float = 6.0) -> np.ndarray:
    """Uint8 matte (H, W): the disc with a rippled rim of `soft` px."""
    depth = draw_depth(height, width, seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    ripple = 0.18 * np.sin(0.9 * x + 0.4 * y) * (np.abs(depth) < soft / 2)
    return np.rint(255 * np.clip(0.5 + depth / soft + ripple, 0, 1)).astype(np.uint8)


def draw_trimap(
    height: int, width: int, seed: int = 0, inner: float = 5.0, outer: float = 7.0
) -> np.ndarray:
    """Uint8 trimap (H, W) of the same disc, levels 0, 128 and 255."""
    depth = draw_depth(height, width, seed)
    trimap = np.full((height, width), 128, np.uint8)
    trimap[depth >= inner] = 255
    trimap[depth <= -outer] = 0
    return trimap


def draw_prediction(height: int, width: int, seed: int = 0, noise: float = 0.12) -> np.ndarray:
    """Wrong matte (H, W), float64 in [0, 1]: the disc, larger, with noise in its rim."""
    depth = draw_depth(height, width, seed) + 1.3
    rng = np.random.Generator(np.random.PCG64(2000 + seed))
    grain = rng.normal(0, noise, depth.shape) * (np.abs(depth) < 9)
    return np.clip(0.5 + depth / 9.0 + grain, 0, 1)


def draw_mask(height: int, width: int, seed: int = 0, bar: bool = True) -> np.ndarray:
    """Boolean object (H, W): the disc with a hole, and a bar apart from it."""
    depth = draw_depth(height, width, seed)
    y, x = np.mgrid[:height, :width]
    hole = (y - height * 0.5) ** 2 + (x - width * 0.52) ** 2 < (0.07 * min(height, width)) ** 2
    mask = (depth > 0) & ~hole
    if bar:
        rows = (y >= int(0.82 * height)) & (y < int(0.93 * height))
        mask |= rows & (x >= int(0.1 * width)) & (x < int(0.6 * width))
    return mask


def draw_clicks(
    height: int, width: int, seed: int = 0, background: int = 2, foreground: int = 2
) -> np.ndarray:
    """Int64 rows (y, x, class) on different pixels; class 0 background, 1 foreground."""
    rng = np.random.Generator(np.random.PCG64(3000 + seed))
    where = rng.choice(height * width, background + foreground, replace=False)
    label = np.repeat([0, 1], [background, foreground])
    return np.stack([where // width, where % width, label], 1).astype(np.int64)


def draw_uniform(name: str, shape: list[int], low: float = 0.0, high: float = 1.0) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return rng.uniform(low, high, tuple(shape)).astype(np.float32)


def draw_normal(name: str, shape: list[int], mean: float = 0.0, std: float = 1.0) -> np.ndarray:
    rng = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return rng.normal(mean, std, tuple(shape)).astype(np.float32)


def draw_image(height: int, width: int, seed: int = 0) -> np.ndarray:
    return draw_waves(height, width, seed)


MAKERS = {
    name.removeprefix("draw_"): value
    for name, value in list(globals().items())
    if name.startswith("draw_") and name != "draw_waves"
}
