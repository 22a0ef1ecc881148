"""The losses against golden values, hand-computed values and their gradients."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
import torch
from golden import MATTES, golden_matte
from torch import Tensor
from torch.nn import functional

from gfm.losses import (
    CharbonnierLoss,
    CompositionLoss,
    CrossEntropyLoss,
    LaplacianLoss,
    charbonnier_loss,
    composition_loss,
    cross_entropy,
    laplacian_loss,
)
from gfm.models.glance_focus.loss import GFMLoss, LossWeights, RIMLoss
from rssn.imaging.errors import InputError

TERMS = ("glance", "focus_alpha", "focus_laplacian", "alpha", "laplacian", "composition")


class Output(NamedTuple):
    glance_logits: Tensor
    focus: Tensor
    alpha: Tensor


class RimOutput(NamedTuple):
    tt: Output
    ft: Output
    bt: Output
    alpha: Tensor


class Targets(NamedTuple):
    glance: Tensor
    focus: Tensor
    region: Tensor


def random(*shape, seed=0, dtype=torch.float32):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def truth(shape=(2, 16, 24)):
    batch, *size = shape
    alpha, foreground, background = (
        random(batch, channels, *size, seed=seed) for seed, channels in ((1, 1), (2, 3), (3, 3))
    )
    image = alpha * foreground + (1 - alpha) * background
    return {"image": image, "alpha": alpha, "foreground": foreground, "background": background}


def prediction(classes, seed, shape=(2, 16, 24)):
    batch, *size = shape
    logits, focus, alpha = (
        random(batch, channels, *size, seed=seed + i) for i, channels in enumerate((classes, 1, 1))
    )
    return Output(logits, focus, alpha)


def targets(classes, seed, shape=(2, 16, 24)):
    batch, *size = shape
    glance = (random(*shape, seed=seed) * classes).long()
    focus = random(batch, 1, *size, seed=seed + 1)
    return Targets(glance, focus, (random(batch, 1, *size, seed=seed + 2) > 0.5).float())


@pytest.mark.parametrize("name", MATTES)
def test_golden(name):
    golden, arrays = golden_matte(name)

    def planes(name):
        values = torch.from_numpy(arrays[name]).float() / 255
        return values[None, None] if values.ndim == 2 else values.movedim(-1, 0)[None]

    pred, alpha = torch.from_numpy(arrays["pred"])[None, None], planes("alpha")
    trimap = torch.from_numpy(arrays["trimap"])[None]
    region = (trimap == 128)[:, None].float()
    glance2, glance3 = (torch.from_numpy(arrays[f"glance{c}"]) for c in (2, 3))
    foreground, background, composite = (planes(name) for name in ("fg", "bg", "composite"))
    eroded, dilated = (torch.from_numpy(arrays[n])[None] > 0 for n in ("eroded", "dilated"))
    losses = {
        "alpha_loss_transition": charbonnier_loss(pred, alpha, region),
        "alpha_loss_whole": charbonnier_loss(pred, alpha),
        "laplacian_loss_transition": laplacian_loss(pred, alpha, region),
        "laplacian_loss_whole": laplacian_loss(pred, alpha),
        "composition_loss_whole": composition_loss(pred, composite, foreground, background),
        "cross_entropy_tt_on_probabilities": cross_entropy(
            glance3, (trimap > 0).long() + (trimap == 255)
        ),
        "cross_entropy_ft_on_probabilities": cross_entropy(glance2, eroded.long()),
        "cross_entropy_bt_on_probabilities": cross_entropy(glance2, dilated.long()),
    }
    got = {name: loss.item() for name, loss in losses.items()}
    assert got == pytest.approx({name: golden[name] for name in got}, rel=1e-5)


def test_cross_entropy_by_hand():
    logits = torch.zeros(1, 3, 1, 2)
    logits[0, 2, 0, 1] = math.log(4)
    target = torch.tensor([[[0, 2]]])
    first, second = math.log(3), math.log(6 / 4)
    assert cross_entropy(logits, target).item() == pytest.approx((first + second) / 2)
    region = torch.tensor([[[[0.0, 1.0]]]])
    assert cross_entropy(logits, target, region).item() == pytest.approx(second / (1 + 1))
    assert cross_entropy(logits, target, region, "sum").item() == pytest.approx(second)


def test_charbonnier_by_hand():
    pred, target = torch.tensor([[[[0.0, 0.3, 1.0]]]]), torch.tensor([[[[0.0, 0.1, 0.5]]]])
    assert charbonnier_loss(pred, target).item() == pytest.approx((1e-6 + 0.2 + 0.5) / 3)
    region = torch.tensor([[[[0.0, 1.0, 1.0]]]])
    assert charbonnier_loss(pred, target, region).item() == pytest.approx(0.700001 / (2 + 1))
    assert charbonnier_loss(pred, target, region.bool()) == charbonnier_loss(pred, target, region)
    assert charbonnier_loss(pred, target, 0 * region).item() == pytest.approx(3e-6)


def test_the_gradient_of_a_met_target_is_zero():
    pred = torch.full((1, 1, 4, 4), 0.5, requires_grad=True)
    charbonnier_loss(pred, pred.detach()).backward()
    assert pred.grad is not None and not pred.grad.any()


def test_laplacian_of_an_offset_is_the_residual():
    """A constant has no detail at any level, only the residual under the last."""
    pred = random(2, 1, 40, 56)
    assert laplacian_loss(pred + 0.25, pred).item() == pytest.approx(0.25, rel=1e-4)


def test_laplacian_of_a_dot_by_hand():
    """One level: the blurred dot is the kernel, and its mean survives the halving."""
    pred = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    pred[..., 8, 8] = 1
    line = np.exp(-(np.arange(-2.0, 3) ** 2))
    centre = 2 / (line[:, None] + line).sum()
    detail = (1 - centre) + (1 - centre)  # the dot's own rest, and the kernel around it
    got = laplacian_loss(pred, 0 * pred, levels=1).item()
    assert got == pytest.approx(detail / 256 + (1 / 4) / 64)


def test_laplacian_multiplies_by_the_region_first():
    pred, target = random(1, 1, 33, 47, seed=1), random(1, 1, 33, 47, seed=2)
    region = (random(1, 1, 33, 47, seed=3) > 0.5).float()
    expected = laplacian_loss(pred * region, target * region)
    torch.testing.assert_close(laplacian_loss(pred, target, region), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (5, 1), (31, 33)])
def test_laplacian_at_any_size(size):
    """A constant difference c loses no detail: the loss is c however small the map."""
    pred = torch.full((1, 1, *size), 0.75, requires_grad=True)
    loss = laplacian_loss(pred, torch.zeros(1, 1, *size))
    assert loss.item() == pytest.approx(0.75, rel=1e-4)
    loss.backward()
    assert pred.grad is not None and pred.grad.isfinite().all()


def test_composition_by_hand():
    foreground, background = torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    alpha = torch.full((1, 1, 2, 2), 0.5)
    image = torch.full((1, 3, 2, 2), 0.2)
    loss = composition_loss(alpha, image, foreground, background)
    assert loss.item() == pytest.approx(3 * 0.3)  # three colours, one pixel
    met = composition_loss(alpha, torch.full((1, 3, 2, 2), 0.5), foreground, background)
    assert met.item() == pytest.approx(3 * 1e-6 / 255)


COLOURS = [random(1, 3, 9, 8, seed=seed) for seed in (5, 6, 7)]


def cross_entropy_to_one(pred, region=None, reduction="mean"):
    target = torch.ones(pred.shape[0], *pred.shape[2:], dtype=torch.int64)
    return CrossEntropyLoss(reduction)(torch.cat([pred, torch.zeros_like(pred)], 1), target, region)


def charbonnier_to_quarter(pred, region=None, reduction="mean"):
    return CharbonnierLoss(reduction)(pred, torch.full_like(pred, 0.25), region)


def laplacian_to_quarter(pred, region=None, reduction="mean"):
    return LaplacianLoss(3, reduction)(pred, torch.full_like(pred, 0.25), region)


def composition_of_colours(pred, region=None, reduction="mean"):
    kind = torch.promote_types(pred.dtype, torch.float32)
    colours = (c.to(kind).expand(pred.shape[0], -1, -1, -1) for c in COLOURS)
    return CompositionLoss(reduction)(pred, *colours, region)


LOSSES = (
    cross_entropy_to_one,
    charbonnier_to_quarter,
    laplacian_to_quarter,
    composition_of_colours,
)
every_loss = pytest.mark.parametrize("loss", LOSSES)


@every_loss
def test_reductions_agree(loss):
    pred = random(3, 1, 9, 8)
    region = (random(3, 1, 9, 8, seed=4) > 0.3).float()
    each = loss(pred, reduction="none")
    assert each.shape == (3,)
    torch.testing.assert_close(each.mean(), loss(pred))
    torch.testing.assert_close(each, torch.stack([loss(p) for p in pred.split(1)]))
    if loss is laplacian_to_quarter:
        return  # its means are those of each level, over the whole map
    torch.testing.assert_close(each.sum() * 72, loss(pred, reduction="sum"))
    sums = loss(pred, region, reduction="none") * (region.sum((1, 2, 3)) + 1)
    torch.testing.assert_close(sums.sum(), loss(pred, region, "sum"))
    torch.testing.assert_close(sums.sum() / (region.sum() + 1), loss(pred, region))


@every_loss
def test_gradients(loss):
    pred = random(2, 1, 9, 8, dtype=torch.float64).requires_grad_()
    region = (random(2, 1, 9, 8, seed=4) > 0.3).double()
    assert torch.autograd.gradcheck(loss, (pred,))
    assert torch.autograd.gradcheck(lambda p: loss(p, region), (pred,))


@every_loss
def test_half_precision_computes_in_float32(loss):
    pred = random(2, 1, 9, 8).bfloat16()
    expected = loss(pred.float())
    with torch.autocast("cpu", torch.bfloat16):
        got = loss(pred)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected)


def test_autocast_does_not_touch_the_pyramid():
    pred, target = random(1, 1, 64, 64, seed=1), random(1, 1, 64, 64, seed=2)
    with torch.autocast("cpu", torch.bfloat16):
        got = laplacian_loss(pred, target)
    assert got.item() == laplacian_loss(pred, target).item()


def test_the_total_is_the_weighted_sum_of_the_named_terms():
    output, labels, batch = prediction(3, seed=10), targets(3, seed=20), truth()
    terms = GFMLoss()(output, labels, **batch)
    assert tuple(terms) == (*TERMS, "total")
    assert terms["total"].item() == pytest.approx(sum(terms[t].item() for t in TERMS))
    region = labels.region
    expected = {
        "glance": functional.cross_entropy(output.glance_logits, labels.glance),
        "focus_alpha": charbonnier_loss(output.focus, labels.focus, region),
        "focus_laplacian": laplacian_loss(output.focus, labels.focus, region),
        "alpha": charbonnier_loss(output.alpha, batch["alpha"]),
        "laplacian": laplacian_loss(output.alpha, batch["alpha"]),
        "composition": composition_loss(
            output.alpha, *(batch[n] for n in ("image", "foreground", "background"))
        ),
    }
    torch.testing.assert_close({t: terms[t] for t in TERMS}, expected)


def test_weights():
    output, labels, batch = prediction(2, seed=10), targets(2, seed=20), truth()
    paper, released = (GFMLoss(name)(output, labels, **batch) for name in ("paper", "released"))
    torch.testing.assert_close(released["total"], paper["total"] / 4)
    torch.testing.assert_close(released["glance"], paper["glance"])  # terms come unweighted
    only = GFMLoss(LossWeights(0, 0, 0, 3, 0, 0))(output, labels, **batch)
    torch.testing.assert_close(only["total"], 3 * only["alpha"])


def test_focus_counts_in_its_region_only():
    output, labels, batch = prediction(2, seed=10), targets(2, seed=20), truth()
    outside = output._replace(focus=torch.where(labels.region > 0, output.focus, 1.0))
    first, second = (GFMLoss()(o, labels, **batch) for o in (output, outside))
    torch.testing.assert_close(first, second)


def test_no_composition_without_colours():
    batch = truth() | {"foreground": None}
    terms = GFMLoss()(prediction(2, seed=10), targets(2, seed=20), **batch)
    assert "composition" not in terms
    total = sum(terms[t].item() for t in TERMS[:-1])
    assert terms["total"].item() == pytest.approx(total)


def rim():
    parts = [prediction(c, seed=s) for c, s in ((3, 10), (2, 20), (2, 30))]
    labels = {
        r: targets(3 if r == "TT" else 2, seed=40 + i) for i, r in enumerate(("TT", "FT", "BT"))
    }
    return RimOutput(*parts, alpha=random(2, 1, 16, 24, seed=50)), labels


def test_rim_adds_three_groups_and_the_final_matte():
    (output, labels), batch = rim(), truth()
    terms = RIMLoss("released")(output, labels, **batch)
    names = [*TERMS[3:], *(f"{r}_{t}" for r in ("tt", "ft", "bt") for t in TERMS)]
    assert sorted(terms) == sorted([*names, "total"])
    assert terms["total"].item() == pytest.approx(0.25 * sum(terms[n].item() for n in names))
    for name in ("TT", "FT", "BT"):
        group = GFMLoss()(getattr(output, name.lower()), labels[name], **batch)
        for term in TERMS:
            torch.testing.assert_close(terms[f"{name.lower()}_{term}"], group[term])
    torch.testing.assert_close(terms["alpha"], charbonnier_loss(output.alpha, batch["alpha"]))


def test_each_rim_head_learns_from_its_own_group():
    (output, labels), batch = rim(), truth()
    heads = [part.focus.requires_grad_() for part in (output.tt, output.ft, output.bt)]
    terms = RIMLoss()(output, labels, **batch)
    for i, name in enumerate(("tt", "ft", "bt")):
        grads = torch.autograd.grad(
            terms[f"{name}_focus_alpha"], heads, allow_unused=True, retain_graph=True
        )
        assert [g is not None for g in grads] == [j == i for j in range(3)]


ONE = torch.ones(1, 1, 4, 6)
COLOUR = torch.ones(1, 3, 4, 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: charbonnier_loss(ONE, ONE[..., :2]), r"target has shape \(1, 1, 4, 2\)"),
        (lambda: charbonnier_loss(ONE[0], ONE[0]), r"pred has shape \(1, 4, 6\)"),
        (lambda: charbonnier_loss(ONE, ONE, COLOUR), "region has shape"),
        (lambda: charbonnier_loss(ONE, ONE, reduction="max"), "reduction='max'"),
        (lambda: laplacian_loss(ONE, ONE, reduction="max"), "reduction='max'"),
        (lambda: laplacian_loss(ONE, ONE, levels=0), "levels=0"),
        (lambda: cross_entropy(COLOUR, ONE[:, 0]), r"target .*torch\.float32; .*long"),
        (lambda: cross_entropy(COLOUR, ONE.long()), "target has shape"),
        (lambda: composition_loss(COLOUR, *[COLOUR] * 3), "alpha has shape"),
        (lambda: composition_loss(ONE, COLOUR, ONE, COLOUR), "foreground has shape"),
        (lambda: LossWeights(glance=-1), "glance=-1"),
        (lambda: LossWeights(alpha=math.nan), "alpha=nan"),
        (lambda: GFMLoss("equal"), "weights='equal' .*'paper'"),
        (lambda: RIMLoss()(rim()[0], {"TT": rim()[1]["TT"]}, **truth()), "BT, FT"),
    ],
)
def test_bad_input_names_the_remedy(call, message):
    with pytest.raises(InputError, match=message):
        call()
