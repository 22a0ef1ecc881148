"""Batches of crops of small training sets."""

from __future__ import annotations

from gfm.data.crops import CropOptions
from gfm.data.loader import CropBatches, TrainingLoader, Turn
from gfm.data.sets import open_training_set

CROPS = CropOptions(sides=(32, 48), size=32)

SEVEN = {f"s{n}" for n in range(7)}


def batches_of(folder, workers=0, rank=0, world=1, epochs=1, seed=0, batch_size=2, skip_bad=0):
    """The batches of each epoch on one device."""
    samples = open_training_set(str(folder), seed=seed)
    crops = CropBatches(samples, CROPS, batch_size, seed, skip_bad, Turn(rank, world))
    loader = TrainingLoader(crops, workers)
    return [list(loader) for _ in range(epochs)]


def keys_of(batches):
    return [key for batch in batches for key in batch.keys]
