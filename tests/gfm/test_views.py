"""Ensembles, and the views of an augmentation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from tiny import build, draw_photograph, enlarged, shared, tensor

import gfm
from gfm.models.glance_focus.options import PassOptions, pass_options
from gfm.models.glance_focus.passes import (
    enlarge,
    strategy_maps,
)
from gfm.models.options import MatteOptions

PHOTOGRAPH = draw_photograph(1, 210, 300)


class TestEnsemblesAndViews:
    def test_ensemble_is_the_median_of_its_mattes(self):
        models = [shared("timm:test_resnet", rosta) for rosta in ("TT", "FT", "BT")]
        parts = [gfm.matte(PHOTOGRAPH, model, foreground="none").alpha for model in models]
        made = gfm.matte(PHOTOGRAPH, models, foreground="none")
        np.testing.assert_allclose(made.alpha, np.median(parts, axis=0), atol=1e-6)
        assert set(np.unique(made.trimap)) <= {0, 1, 2}

    def test_flip_averages_before_the_fusion(self):
        model = shared()
        mirrored = np.ascontiguousarray(PHOTOGRAPH[:, ::-1])
        found = []
        for picture, turn in ((PHOTOGRAPH, 1), (mirrored, -1)):
            third = tensor(cv2.resize(picture, (96, 64), interpolation=cv2.INTER_AREA))
            half = tensor(cv2.resize(picture, (128, 96), interpolation=cv2.INTER_AREA))
            with torch.no_grad():
                maps = model.glance_probabilities(third), model.focus_alpha(half)
            found.append([each[..., ::turn] if turn > 0 else each.flip(-1) for each in maps])
        glance, focus = ((one + other) / 2 for one, other in zip(*found, strict=True))
        trimap = enlarged(glance, (210, 300))[0].argmax(dim=0).numpy()
        values = enlarged(focus, (210, 300))[0, 0].numpy()
        made = gfm.matte(PHOTOGRAPH, model, foreground="none", augmentation="flip")
        # The areas of a reduction fall alike on a mirrored image only up to rounding to 8 bits.
        assert (made.trimap != trimap).mean() < 0.02
        wanted = np.where(trimap == 2, 1, np.where(trimap == 1, values, 0))
        assert np.abs(made.alpha - wanted).mean() < 0.02

    @pytest.mark.parametrize("rosta", ["TT", "FT", "RIM"])
    def test_flipped_photograph_gives_the_flipped_matte(self, rosta):
        model = shared("timm:test_resnet", rosta)
        options = {"foreground": "none", "augmentation": "flip", "d1": 1, "d2": 1}
        even = PHOTOGRAPH[:192, :288]  # whole multiples of 32: nothing is resized
        made = gfm.matte(even, model, **options).alpha
        mirrored = gfm.matte(np.ascontiguousarray(even[:, ::-1]), model, **options).alpha
        np.testing.assert_allclose(made[:, ::-1], mirrored, rtol=0, atol=1e-4)

    def test_mean_glance_leaves_the_focus_alone(self):
        model, even = shared(), PHOTOGRAPH[:192, :288]
        mirrored = np.ascontiguousarray(even[:, ::-1])
        mixed = strategy_maps(model, [even], PassOptions(d1=1, augmentation="glance"))
        ways = [PassOptions(d1=d1) for d1 in (1, 8 / 7, 4 / 3)]
        plain = [strategy_maps(model, [even], way) for way in ways]
        other = [strategy_maps(model, [mirrored], way) for way in ways]
        seen = [maps.glance for maps in plain] + [maps.glance[..., ::-1] for maps in other]
        wanted = np.mean([enlarge(glance, (192, 288)) for glance in seen], axis=0)
        np.testing.assert_allclose(mixed.glance, wanted, rtol=0, atol=1e-3)
        np.testing.assert_allclose(mixed.detail, plain[0].detail, atol=1e-6)

    @pytest.mark.parametrize(("side", "wanted"), [(None, "none"), (96, "flip")])
    def test_passes_of_a_set_size_are_means_unless_said_otherwise(self, side, wanted):
        model = build(glance_side=side)
        assert pass_options(MatteOptions(), [model], 300, 400).augmentation == wanted
        assert pass_options(MatteOptions(augmentation="full"), [model], 9, 9).augmentation == "full"

    def test_full_augmentation_gives_the_same_size(self):
        made = gfm.matte(PHOTOGRAPH, shared(), foreground="none", augmentation="full")
        assert made.alpha.shape == (210, 300) and 0 <= made.alpha.min() <= made.alpha.max() <= 1
