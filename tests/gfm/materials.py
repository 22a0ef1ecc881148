"""A small file of material: a photograph, a cut-out and a background of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rssn.shards.material import Picture, create_material


def write_material(folder: Path) -> Path:
    path = folder / "material.tar"
    rng = np.random.default_rng(0)
    alpha = np.zeros((90, 120), np.float32)
    alpha[20:70, 30:90] = 1
    alpha[20:70, 85:90] = 0.5
    with create_material(path) as writer:
        for kind in ("photograph", "cutout", "background"):
            image = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
            matte = None if kind == "background" else alpha
            writer.add(Picture(kind, kind, kind, "CC0", (90, 120)), image, matte)
    return path
