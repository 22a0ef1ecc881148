"""Backpropagating refinement gives the released and the paper's mattes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from guided import check, inputs, probe
from lsa import batch, released, small
from tiny import build, settled

import gfm
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.network import AdaMatting
from gfm.models.backpropagation import (
    Costs,
    Modulation,
    RefinementOptions,
    both_sides,
    refine,
    refine_in_tiles,
    refine_photograph,
)
from gfm.models.fba.config import FBAConfig
from gfm.models.fba.network import FBA
from gfm.models.lsa.predict import PredictOptions, predict
from rssn.imaging.errors import InputError

CASE = "brm_64x96"


def guided_networks():
    """Small networks of every system that can be refined."""
    torch.manual_seed(0)
    return {
        "lsa": small(),
        "fba": FBA(FBAConfig(backbone="timm:test_resnet")).eval(),
        "adamatting": adamatting(),
    }


def adamatting() -> AdaMatting:
    """One with settled norms: hardly a gradient comes through those that have seen nothing."""
    network = AdaMatting(AdaMattingConfig(backbone="timm:test_resnet", steps=1))
    return settled(network, lambda: network.decode(network.encode(*batch(CASE)), Modulation()))


@pytest.mark.parametrize("steps", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_released_form_gives_the_released_mattes(steps):
    made = refine(released(), *batch(CASE), RefinementOptions(steps, form="released"))
    check("lsa", CASE, **{f"alpha_{steps}": made.alpha})
    if steps == 2:
        for name, grids in (("A1", made.scales), ("B1", made.shifts)):
            got = {f"{name}_stage{p}": probe(grids[p].detach()) for p in (2, 3, 4, 5)}
            check("lsa", CASE, **got)


@pytest.mark.slow
def test_released_form_gives_the_released_costs():
    made = refine(released(), *batch(CASE), RefinementOptions(form="released"))
    boundary, deviation = made.costs[::10].T
    losses = torch.stack([boundary + 0.1 * deviation, boundary, deviation.sqrt()], 1)
    check("lsa", CASE, alpha_100=made.alpha, losses=losses)


def test_paper_form_gives_its_matte():
    image, trimap = batch(CASE)
    made = refine(released(), image, trimap, RefinementOptions(1))
    check("lsa", CASE, paper_alpha_1=made.alpha)
    with torch.no_grad():
        sizes = Costs(released()(image, trimap), trimap).sizes
    check("lsa", CASE, paper_boundary_sizes=np.array(sizes))


@pytest.mark.slow
def test_paper_form_gives_its_costs():
    made = refine(released(), *batch(CASE))
    boundary, deviation = made.costs.T
    costs = torch.stack([boundary + 0.1 * deviation, boundary, deviation], 1)
    check("lsa", CASE, paper_alpha_100=made.alpha, paper_costs=costs)


def test_matte_takes_the_steps():
    parts = inputs("lsa", "inference_75x101")
    image, trimap = parts["image"], parts["trimap"]
    for system, network in guided_networks().items():
        plain, refined = (
            gfm.matte(image, network, trimap=trimap, foreground="none", backpropagate=steps).alpha
            for steps in (0, 4)
        )
        assert (plain != refined).any(), system
        assert refined.min() >= 0 and refined.max() <= 1 and refined.shape == trimap.shape


def test_model_without_a_decoder_for_it_is_refused():
    image = inputs("lsa", "inference_75x101")["image"]
    with pytest.raises(InputError, match=r"glance_focus .*adamatting, fba, lsa"):
        gfm.matte(image, build(), backpropagate=10)
    with pytest.raises(InputError, match="backpropagate=-1"):
        gfm.matte(image, build(), backpropagate=-1)


def test_large_photograph_is_refined_in_tiles(monkeypatch):
    monkeypatch.setattr("gfm.models.backpropagation.LARGEST", 64)
    image, trimap = inputs("lsa", "inference_75x101").values()
    tiled = refine_photograph(small(), image, trimap, 2)
    monkeypatch.undo()
    whole = refine_photograph(small(), image, trimap, 2)
    assert np.array_equal(tiled, whole)  # a single tile


def test_boundary_of_a_square_has_its_pixels_within_and_without():
    region = torch.zeros(1, 1, 7, 7, dtype=torch.bool)
    region[..., 2:5, 2:5] = True
    boundary = both_sides(region, ~region)[0, 0]
    # Eight of the nine pixels of the square, and three beside each of its sides.
    assert boundary.sum() == 8 + 12
    assert not boundary[3, 3] and not boundary[1, 1] and boundary[1, 2]


def test_costs_of_a_hand_made_matte():
    trimap = torch.tensor([[0.0, 0.5, 0.5, 1.0]])[None, None]
    start = torch.tensor([[0.0, 0.25, 0.5, 1.0]])[None, None]
    alpha = torch.tensor([[0.5, 0.25, 1.5, 1.0]])[None, None]
    boundary, deviation = Costs(start, trimap)(alpha)
    assert boundary.item() == pytest.approx((0.5**2 + 0.25**2 + 0 + 0) / 4)
    assert deviation.item() == pytest.approx(0.25**2)  # (0 + 0.5) / 2, squared
    boundary, _ = Costs(start, trimap, "released")(alpha)
    assert boundary.item() == pytest.approx((0.25**2 + 0) / 2.2)


def test_nothing_beyond_the_photograph_is_compared():
    trimap = torch.full((1, 1, 4, 4), 0.5)
    trimap[..., 0] = 0.0
    inside = torch.ones_like(trimap, dtype=torch.bool)
    inside[..., 0] = False
    costs = Costs(trimap, trimap, "paper", inside)
    assert not costs.is_defined and costs.unknown.sum() == 12


def test_refinement_lowers_the_cost_and_leaves_the_network_as_it_was():
    image, trimap = batch(CASE)
    before = {key: value.clone() for key, value in small().state_dict().items()}
    with torch.inference_mode():  # as callers have it
        made = refine(small(), image, trimap, RefinementOptions(6))
    assert made.costs[-1, 0] < made.costs[0, 0]
    assert all(torch.equal(value, before[key]) for key, value in small().state_dict().items())
    assert all(parameter.grad is None for parameter in small().parameters())


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_trimap_of_one_level_leaves_the_matte(level):
    image, _ = batch(CASE)
    trimap = torch.full((1, 1, 64, 96), level)
    made = refine(small(), image, trimap, RefinementOptions(3))
    assert len(made.costs) == 0
    with torch.no_grad():
        assert torch.equal(made.alpha, small()(image, trimap).clamp(0, 1))


def test_one_tile_is_the_whole():
    image, trimap = batch(CASE)
    options = RefinementOptions(2)
    whole = refine(small(), image, trimap, options).alpha
    assert torch.equal(refine_in_tiles(small(), image, trimap, options, tile=512), whole)


def test_tiles_cover_the_image():
    torch.manual_seed(0)
    image, trimap = torch.rand(1, 3, 64, 700), torch.full((1, 1, 64, 700), 0.5)
    trimap[..., :300], trimap[..., 400:] = 0, 1
    options = RefinementOptions(1)
    whole = refine(small(), image, trimap, options).alpha
    tiled = refine_in_tiles(small(), image, trimap, options, tile=512)
    assert tiled.shape == whole.shape and (tiled - whole).abs().mean() < 0.05


@pytest.mark.parametrize("form", ["paper", "released"])
def test_photograph_is_refined_within_its_padding(form):
    parts = inputs("lsa", "inference_75x101")
    options = PredictOptions(refinement=RefinementOptions(2, form=form))
    plain, refined = (
        predict(small(), parts["image"], parts["trimap"], each) for each in (None, options)
    )
    unknown = parts["trimap"] == 128
    assert (plain != refined)[unknown].any() and np.array_equal(plain[~unknown], refined[~unknown])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RefinementOptions(0), "steps=0"),
        (lambda: RefinementOptions(rate=-1.0), "rate=-1"),
        (lambda: RefinementOptions(form="other"), "form='other'.*'paper' or 'released'"),
        (lambda: PredictOptions(views=4), "views=4.*1, 8 or 24"),
        (lambda: PredictOptions(tile=100), "tile=100"),
    ],
)
def test_impossible_options_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("system", ["lsa", "fba", "adamatting"])
def test_every_guided_network_can_be_refined(system):
    network = guided_networks()[system]
    image, trimap = batch(CASE)
    trimap = (2 * trimap).round() / 2
    made = refine(network, image, trimap, RefinementOptions(8))
    assert sorted(made.scales) == [2, 3, 4, 5]
    assert made.costs[-1, 0] < made.costs[0, 0]
