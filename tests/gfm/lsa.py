"""Networks of LSA matting for the tests: the released one, filled, and a small one."""

from __future__ import annotations

import functools

import numpy as np
import torch
from guided import inputs, weights
from tiny import settled
from torch import Tensor

from gfm.models.lsa.config import LSAConfig
from gfm.models.lsa.network import LSA
from gfm.models.lsa.released import convert_state_dict


@functools.cache
def released_state() -> dict[str, Tensor]:
    """Entries of a released checkpoint, without the prefix that data-parallel training leaves."""
    named = weights("lsa").items()
    return {key.removeprefix("module."): torch.from_numpy(value) for key, value in named}


@functools.cache
def released() -> LSA:
    with torch.inference_mode(False):
        return convert_state_dict(released_state())


@functools.cache
def small() -> LSA:
    """An untrained network in eval mode whose alpha varies within [0, 1]."""
    with torch.inference_mode(False), torch.no_grad():
        torch.manual_seed(0)
        model = LSA(LSAConfig("timm:test_resnet"))
        seen = torch.rand(2, 3, 64, 96), torch.rand(2, 1, 64, 96).round()
        raw, last = settled(model, lambda: model(*seen))(*seen), model.decoder.head[-1]
        last.weight *= 0.15 / raw.std()
        last.bias += 0.5 - raw.mean() * 0.15 / raw.std()
    return model


def batch(case: str) -> tuple[Tensor, Tensor]:
    """Image (1, 3, H, W) and trimap (1, 1, H, W) of a golden case, both in [0, 1]."""
    parts = inputs("lsa", case)
    image = np.moveaxis(parts["image"], -1, 0)[None]
    trimap = parts["trimap"][None, None]
    return torch.from_numpy(image).float() / 255, torch.from_numpy(trimap).float() / 255
