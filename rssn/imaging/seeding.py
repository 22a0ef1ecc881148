"""Random streams that depend on their purpose, never on the order of the work."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def generator(seed: int, purpose: str, *parts: str | int) -> np.random.Generator:
    """A separate generator for each (seed, purpose, parts), the same on every machine.

    `parts` distinguish streams of one purpose, such as a foreground's id and k.
    """
    name = json.dumps([purpose, *parts]).encode()
    words = np.frombuffer(hashlib.blake2b(name, digest_size=16).digest(), "<u4")
    return np.random.default_rng(np.random.SeedSequence([*map(int, words), seed]))
