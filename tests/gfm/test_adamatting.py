"""AdaMatting: the golden values of its house definition, and what it must do besides."""

from __future__ import annotations

import guided
import numpy as np
import pytest
import torch
from guided import check, probe

from gfm.guidance.trimap import encode_trimap
from gfm.metrics import trimap as metrics
from gfm.models.adamatting.config import AdaMattingConfig
from gfm.models.adamatting.guide import guide_of
from gfm.models.adamatting.loss import (
    TaskWeights,
    alpha_loss,
    fixed_loss,
    matting_loss,
    optimal_trimap,
    predicted_unknown,
    trimap_loss,
)
from gfm.models.adamatting.network import AdaMatting
from gfm.models.adamatting.predict import predict
from gfm.models.adamatting.released import convert_state_dict
from gfm.training.schedule import poly_factor
from rssn.imaging.errors import InputError


@pytest.fixture(scope="module")
def network() -> AdaMatting:
    """The published network with the weights of the golden values, in float64."""
    entries = guided.weights("adamatting").items()
    return convert_state_dict({key: torch.from_numpy(np.asarray(v)) for key, v in entries}).double()


def test_parameters_are_those_of_the_definition():
    with torch.device("meta"):
        model = AdaMatting()
    counts = {
        name: sum(p.numel() for p in part.parameters()) for name, part in model.named_children()
    }
    assert counts == {
        "encoder": 23_511_168,
        "trimap_decoder": 13_359_251,
        "alpha_decoder": 8_813_553,
        "propagation": 104_289,
        "task_loss": 2,
    }


def test_network(network):
    given = guided.inputs("adamatting", "net_64x96")
    image = torch.from_numpy(given["image"]).permute(2, 0, 1)[None].double() / 255
    guide = torch.from_numpy(guide_of(given["trimap"]))[None]
    with torch.inference_mode():
        made, encoded = network(image, guide), network.encode(image, guide)
    check(
        "adamatting",
        "net_64x96",
        logits=made.logits,
        labels=made.logits[0].argmax(0),
        final=made.matte[0, 0],
        **{f"alpha_{step}": alpha for step, alpha in enumerate(made.alphas)},
        **{f"probe_c{number}": probe(level) for number, level in enumerate(encoded.levels, 1)},
    )


def test_photograph_is_matted_as_defined(network):
    given = guided.inputs("adamatting", "net_64x96")
    made = predict(network, given["image"], given["trimap"])
    check("adamatting", "net_64x96", final=made.alpha, labels=made.trimap)


def test_blocks(network):
    x = torch.from_numpy(guided.inputs("adamatting", "gcn")["x"]).double()
    with torch.inference_mode():
        check("adamatting", "gcn", y=network.trimap_decoder.skip_c2(x))
        x = torch.from_numpy(guided.inputs("adamatting", "gcn_up")["x"]).double()
        check("adamatting", "gcn_up", y=network.trimap_decoder.up3(x))


def test_losses():
    given = guided.inputs("adamatting", "losses_48x64")
    alpha = torch.from_numpy(given["matte"] / 255)[None, None]
    logits = torch.from_numpy(given["logits"]).double().requires_grad_()
    predicted = torch.from_numpy(given["prediction"])[None, None].requires_grad_()
    region, weights = predicted_unknown(logits), TaskWeights().double()
    trimap, error = trimap_loss(logits, alpha), alpha_loss((predicted,), alpha, region)
    total = weights(trimap, error)
    total.backward()
    check(
        "adamatting",
        "losses_48x64",
        trimap_loss=trimap.detach(),
        alpha_loss=error.detach(),
        total=total.detach(),
        grad_s1=weights.s1.grad,
        grad_s2=weights.s2.grad,
        grad_alpha=predicted.grad,
        grad_logits=logits.grad,
        naive_03=fixed_loss(trimap, error, 0.3).detach(),
        unknown=region.sum(),
        optimal_trimap=optimal_trimap(alpha)[0],
    )
    optimal = metrics.optimal_trimap(given["matte"])
    check("adamatting", "losses_48x64", optimal_trimap=optimal)
    check(
        "adamatting",
        "losses_48x64",
        **metrics.trimap_errors(logits[0].argmax(0).numpy(), optimal),
    )


def test_rate_falls_as_published():
    iterations = guided.outputs("adamatting", "schedule")["iterations"]
    check("adamatting", "schedule", lr=[1e-4 * poly_factor(step / 323_280) for step in iterations])


def test_class_that_is_not_there_does_not_count():
    errors = metrics.trimap_errors(np.array([[0, 0, 1, 2]]) // 2, np.array([[0, 0, 0, 2]]) // 2)
    assert errors == {"accuracy": 1.0, "miou": 1.0}


def test_trimaps_of_two_sizes_are_named():
    with pytest.raises(InputError, match=r"pred has shape \(1, 2\)"):
        metrics.trimap_errors(np.zeros((1, 2), int), np.zeros((2, 2), int))


def test_learned_weights_end_at_the_losses():
    weights = TaskWeights().double()
    optimizer = torch.optim.LBFGS(weights.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        total = weights(torch.tensor(0.3), torch.tensor(0.05))
        total.backward()
        return total

    optimizer.step(loss)
    assert weights.s1.exp().item() == pytest.approx(0.3, rel=1e-3)
    assert weights.s2.exp().item() == pytest.approx(0.05, rel=1e-3)


def test_weight_of_alpha_stays_bounded():
    weights = TaskWeights()
    with torch.no_grad():
        weights.s2.fill_(-9)
    assert weights(torch.tensor(1.0), torch.tensor(0.0)).isfinite()
    assert weights.s2.exp().item() == pytest.approx(0.01)


def test_empty_unknown_region_gives_no_loss():
    half = torch.full((2, 1, 4, 4), 0.5)
    assert alpha_loss((half, half), torch.zeros_like(half), torch.zeros_like(half)) == 0


SMALL = "timm:test_resnet"


@pytest.fixture(scope="module")
def small() -> AdaMatting:
    torch.manual_seed(0)
    return AdaMatting(AdaMattingConfig(SMALL)).eval()


def guidance(height: int, width: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(batch, 3, height, width, generator=generator)
    return image, torch.randint(3, (batch, 1, height, width), generator=generator) / 2


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 70), (33, 64)])
def test_any_size_is_the_reflected_one(small, height, width):
    image, trimap = guidance(height, width)
    below, right = -height % 32, -width % 32
    bigger = [
        torch.from_numpy(np.pad(each.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), "reflect"))
        for each in (image, trimap)
    ]
    with torch.inference_mode():
        made, whole = small(image, trimap), small(*bigger)
    assert made.matte.shape == (1, 1, height, width)
    torch.testing.assert_close(made.logits, whole.logits[..., :height, :width])
    torch.testing.assert_close(made.alphas[-1], whole.alphas[-1][..., :height, :width])


def test_alpha_can_be_modulated(small):
    image, trimap = guidance(64, 96)
    sizes = {}

    def double(power, features):
        sizes[power] = tuple(features.shape[-2:])
        return 2 * features

    with torch.inference_mode():
        encoded, whole = small.encode(image, trimap), small(image, trimap)
        torch.testing.assert_close(small.decode(encoded), whole.alphas[-1])
        assert not torch.allclose(small.decode(encoded, double), whole.alphas[-1])
    assert sizes == {power: (64 >> power, 96 >> power) for power in (5, 4, 3, 2)}


def test_tiles_change_no_value(small, monkeypatch):
    image, trimap = guidance(160, 96)
    with torch.inference_mode():
        whole = small(image, trimap)
        monkeypatch.setattr("gfm.models.adamatting.propagation.TILE", 37)
        parts = small(image, trimap)
    for one, other in zip(whole.alphas, parts.alphas, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_what_no_one_reads_is_not_propagated(monkeypatch):
    model = AdaMatting(AdaMattingConfig(SMALL, alpha_weight=1.0)).eval()
    image, trimap = guidance(96, 96)
    trimap[..., 40:] = 1  # in a network of alpha alone, nothing is unknown there
    monkeypatch.setattr("gfm.models.adamatting.propagation.TILE", 32)
    with torch.inference_mode():
        whole, sparse = model(image, trimap), model(image, trimap, sparse=True)
    torch.testing.assert_close(whole.matte, sparse.matte, rtol=0, atol=1e-6)
    assert torch.equal(sparse.alphas[-1][..., 64:], sparse.alphas[0][..., 64:])
    assert not torch.allclose(whole.alphas[-1][..., 64:], whole.alphas[0][..., 64:])


@pytest.mark.parametrize(
    ("options", "mattes"),
    [({"steps": 0}, 1), ({"steps": 1}, 2), ({"two_networks": True}, 4), ({"alpha_weight": 0.3}, 4)],
)
def test_ablations(options, mattes):
    with torch.device("cpu"):
        model = AdaMatting(AdaMattingConfig(SMALL, **options)).train()
    made = model(*guidance(64, 64, batch=2))
    assert len(made.alphas) == mattes
    assert (model.task_loss is None) == ("alpha_weight" in options)
    (made.alphas[-1].sum() + made.logits.sum()).backward()
    missing = [name for name, value in model.named_parameters() if value.grad is None]
    assert missing in ([], ["task_loss.s1", "task_loss.s2"])


def test_alpha_alone_keeps_the_given_trimap():
    model = AdaMatting(AdaMattingConfig(SMALL, alpha_weight=1.0)).eval()
    image, trimap = guidance(40, 50)
    with torch.inference_mode():
        made = model(image, trimap)
    assert model.trimap_decoder is None
    assert torch.equal(made.logits.argmax(1, keepdim=True), (2 * trimap).long())
    assert torch.equal(made.matte[trimap == 1], trimap[trimap == 1])


def test_trimap_as_distances():
    trimap = np.array([[0, 128, 255]], np.uint8)
    guide = guide_of(trimap, "distances")
    masks, maps = encode_trimap(trimap)
    assert np.array_equal(guide, np.concatenate([maps, masks]))
    model = AdaMatting(AdaMattingConfig(SMALL, trimap_encoding="distances", alpha_weight=1.0))
    made = predict(model.eval(), np.zeros((1, 3, 3), np.uint8), trimap)
    assert made.trimap.tolist() == [[0, 1, 2]]
    assert made.alpha[0, 0] == 0 and made.alpha[0, 2] == 1


def test_loss_covers_what_it_is_told():
    alpha = torch.tensor([0.0, 0.5, 1.0]).view(1, 1, 1, 3)
    logits = torch.tensor([[5.0, 5.0, -5.0], [0, 0, 5.0], [-5.0, -5.0, 0]]).view(1, 3, 1, 3)
    alphas = tuple(torch.full_like(alpha, value) for value in (0.9, 0.7, 0.6))
    alone = matting_loss(logits, alphas, alpha, 1.0)  # the third pixel is called unknown
    assert alone.alpha.item() == pytest.approx((0.3 + 0.4) / 2)
    assert alone.total == alone.alpha
    more = matting_loss(logits, alphas, alpha, 0.5, intermediate=2.0, with_true_unknown=True)
    assert more.alpha.item() == pytest.approx((0.3 + 0.4 + 0.2 + 0.1) / 4 + 2 * (0.1 + 0.4) / 2)
    assert more.total.item() == pytest.approx((more.alpha + more.trimap).item() / 2)
    plain = matting_loss(logits, alphas[:1], alpha, TaskWeights())
    assert plain.alpha.item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"steps": -1}, "steps=-1"), ({"alpha_weight": 2}, "alpha_weight=2"), ({"steps": 1.5}, "1.5")],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        AdaMattingConfig(**options)
