"""Losses of alpha, F and B against the golden values of FBA."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from guided import check, inputs

from gfm.losses.layers import exclusion_loss, gradient_loss, l1_loss, recomposition_loss
from gfm.losses.pyramid import laplacian_pyramid, pyramid_loss
from gfm.metrics import evaluate
from gfm.metrics.layers import layer_errors
from gfm.models.fba.loss import LossConfig, fba_loss
from gfm.models.fba.network import AlphaFB
from rssn.imaging.errors import InputError

ALL = LossConfig()


def batch(array):
    planes = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
    return torch.from_numpy(np.ascontiguousarray(planes, np.float64))[None]


@pytest.fixture(scope="module")
def sample():
    """Image, prediction, target and unknown region of the golden losses, in float64."""
    given = inputs("fba", "losses_64x96")
    alpha, front, back = (
        batch(given[name] / 255) for name in ("matte", "foreground", "background")
    )
    noise = [torch.from_numpy(given[f"noise_{name}"])[None].double() for name in "fb"]
    pred = AlphaFB(
        batch(given["prediction"]),
        (front + 0.15 * noise[0]).clamp(0, 1),
        (back + 0.15 * noise[1]).clamp(0, 1),
    )
    image = alpha * front + (1 - alpha) * back
    return image, pred, AlphaFB(alpha, front, back), batch(given["trimap"] == 128)


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("place", ["whole", "unknown"])
def test_terms(sample, reduction, place):
    image, pred, target, unknown = sample
    region = unknown if place == "unknown" else None
    over = {"region": region, "reduction": reduction}
    config = LossConfig(alpha_region=place, colours_region=place)
    terms = fba_loss(pred, target, image, unknown, config, reduction)
    names = {
        "alpha_l1": "alpha_l1",
        "alpha_comp": "alpha_composition",
        "alpha_grad": "alpha_gradient",
        "alpha_lap": "alpha_laplacian",
        "fb_l1": "colours_l1",
        "fb_comp": "colours_composition",
        "fb_lap": "colours_laplacian",
        "fb_excl_elementwise": "colours_exclusion",
        "total": "total",
    }
    got = {golden: terms[ours] for golden, ours in names.items()}
    got["total_without_gradient"] = terms["total"] - terms["alpha_gradient"]
    norms = exclusion_loss(pred.foreground, pred.background, form="norms", **over)
    got["fb_excl_norms"] = norms
    check("fba", "losses_64x96", **{f"{key}/{reduction}_{place}": got[key] for key in got})


def test_pyramid(sample):
    levels = laplacian_pyramid(sample[1].alpha - sample[2].alpha)
    got = {f"alpha_pyramid_{number}": level[0] for number, level in enumerate(levels, 1)}
    check("fba", "losses_64x96", **got)


def test_pyramid_takes_odd_sides_and_refuses_short_ones():
    for sides in ((33, 47), (70, 101)):
        pred = torch.rand(1, 1, *sides)
        assert pyramid_loss(pred, pred) == 0
        # A constant has no level but the one that the reflected zeros of `up` bend.
        assert laplacian_pyramid(torch.ones(1, 1, *sides))[0][..., 4:-4, 4:-4].abs().max() < 1e-6
    with pytest.raises(InputError, match="33 px"):
        pyramid_loss(torch.rand(1, 1, 32, 64), torch.rand(1, 1, 32, 64))


def test_hand_computed():
    pred, zero = torch.tensor([[[[0.0, 1.0], [0.5, 0.0]]]]), torch.zeros(1, 1, 2, 2)
    region = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    assert l1_loss(pred, zero, region) == 0.75
    assert gradient_loss(pred, zero, reduction="sum") == 1 + 0.5 + 1 + 0.5
    colours = pred.expand(1, 3, 2, 2)
    assert exclusion_loss(colours, colours, reduction="sum") == 3 * (1 + 0.25 + 1 + 0.25)
    white, black = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    assert recomposition_loss(colours, pred, white, black) == 0
    assert l1_loss(pred, zero, torch.zeros_like(region)) == 0


def test_missing_colours_are_named(sample):
    image, pred, target, unknown = sample
    alone = AlphaFB(pred.alpha)
    assert set(fba_loss(alone, target, image, unknown, LossConfig(colours=()))) == {
        *(f"alpha_{term}" for term in ALL.alpha),
        "total",
    }
    with pytest.raises(InputError, match=r"pred .*foreground"):
        fba_loss(alone, target, image, unknown)
    with pytest.raises(InputError, match="alpha='huber'"):
        LossConfig(alpha=("huber",))


def test_errors_in_the_unknown_region(sample):
    _, pred, target, unknown = sample
    mine, true = (
        [each[0].permute(1, 2, 0).numpy() for each in layers] for layers in (pred, target)
    )
    region = unknown[0, 0].numpy() == 1
    alpha, matte = mine[0][..., 0], inputs("fba", "losses_64x96")["matte"]
    alphas = evaluate(alpha, matte, region.astype(np.uint8))
    errors = layer_errors((alpha, mine[1]), (true[0][..., 0], true[1]), region)
    got = {
        "sad_whole": alphas["sad"],
        "mse_whole": alphas["mse"],
        "sad_unknown": alphas["sad_transition"],
        "mse_unknown": alphas["mse_transition"],
        "sad_alpha_f_unknown": errors["sad_alpha_f"],
        "mse_alpha_f_unknown": errors["mse_alpha_f"],
    }
    check("fba", "losses_64x96", **{f"metric/{name}": value for name, value in got.items()})


def test_errors_of_colours_by_hand():
    alpha = np.array([[1.0, 0.5, 0.0]])
    front, true = np.zeros((1, 3, 3)), np.full((1, 3, 3), 0.5)
    errors = layer_errors((alpha, front), (alpha, true))
    assert errors["sad_f"] == pytest.approx(3 * (0.5 + 0.5) / 1000)  # alpha 0 shows no F
    assert errors["mse_f"] == pytest.approx(3 * 0.25)
    assert errors["sad_alpha_f"] == pytest.approx(3 * (0.5 + 0.25) / 1000)
    with pytest.raises(InputError, match=r"pred has F of shape \(1, 3\)"):
        layer_errors((alpha, alpha), (alpha, true))
