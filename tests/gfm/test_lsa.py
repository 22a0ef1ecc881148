"""LSA matting gives the released network's values, and its loss, from the released weights."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from guided import cases, check, inputs, probe
from lsa import batch, released, released_state, small

from gfm.models.lsa.config import LSAConfig
from gfm.models.lsa.loss import pyramid_loss
from gfm.models.lsa.network import LSA
from gfm.models.lsa.predict import PredictOptions, predict
from gfm.models.lsa.released import convert_state_dict
from rssn.imaging.errors import InputError


@pytest.mark.parametrize("case", ["net_64x96", "net_75x101"])
def test_network_gives_the_released_values(case):
    model, got = released(), {}

    def keep(power, features):
        got[f"probe_D{power}"] = probe(features)
        return features

    with torch.no_grad():
        features = model.encode(*batch(case))
        raw = model.decode(features, keep)
    levels = enumerate(features.levels, 1)
    got |= {f"probe_s{number}": probe(level) for number, level in levels}
    check("lsa", case, raw=raw, **got)


def test_network_has_the_published_size():
    model = released()
    counts = [sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder)]
    assert counts == [23_527_552, 14_540_257]


def test_released_names_convert_without_a_leftover():
    state = released_state()
    assert len(state) == 376
    values = convert_state_dict(state).state_dict()
    assert len(values) == 376 + 2  # and the normalisation


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("decoder.decoder_3.fc.bias"), r"missing decoder\.blocks\.2\.gate\.bias"),
        (lambda s: s.update(extra=torch.zeros(1)), "left over extra"),
        (
            lambda s: s.update({"backbone.stem.0.conv.weight": torch.zeros(32, 3, 3, 3)}),
            r"\(32, 3, 3, 3\) instead of \(32, 4, 3, 3\)",
        ),
    ],
)
def test_checkpoint_that_does_not_fit_is_refused(change, message):
    state = dict(released_state())
    change(state)
    with pytest.raises(InputError, match=message):
        convert_state_dict(state)


def test_trimap_begins_without_effect_on_the_encoder():
    torch.manual_seed(0)
    model = LSA(LSAConfig("timm:test_resnet")).eval()
    image = torch.rand(1, 3, 64, 64)
    one, other = (model.encode(image, torch.full((1, 1, 64, 64), v)).levels for v in (0.0, 1.0))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_light_decoder_is_no_wider_than_its_encoder():
    blocks = small().decoder.blocks
    assert [block.norm.num_features for block in blocks] == [96, 192, 48, 32, 32]


def test_inference_gives_the_released_matte():
    parts = inputs("lsa", "inference_75x101")
    alpha = predict(released(), parts["image"], parts["trimap"])
    check("lsa", "inference_75x101", alpha=alpha)


def test_eight_views_give_the_released_matte():
    parts = inputs("lsa", "tta8_40x56")
    alpha = predict(released(), parts["image"], parts["trimap"], PredictOptions(views=8))
    check("lsa", "tta8_40x56", alpha=alpha)


def test_eight_views_turn_with_the_photograph():
    image, trimap = inputs("lsa", "tta8_40x56").values()
    alpha, turned = (
        predict(small(), np.rot90(image, turns), np.rot90(trimap, turns), PredictOptions(views=8))
        for turns in (0, 1)
    )
    assert abs(np.rot90(alpha) - turned).max() < 1e-5
    assert abs(alpha - predict(small(), image, trimap)).max() > 0.01


def test_more_views_are_those_of_three_sizes():
    image, trimap = inputs("lsa", "tta8_40x56").values()
    total = np.zeros(trimap.shape)
    for size in ((44, 32), (56, 40), (70, 50)):
        seen = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        known = cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
        alpha = predict(small(), seen, known, PredictOptions(views=8))
        total += cv2.resize(alpha, (56, 40), interpolation=cv2.INTER_CUBIC)
    expected = np.select([trimap == 0, trimap == 255], [0, 1], total / 3)
    made = predict(small(), image, trimap, PredictOptions(views=24))
    assert made == pytest.approx(expected.clip(0, 1), abs=1e-6)


def test_long_side_is_shrunk_by_itself():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (16, 2400, 3), np.uint8)
    trimap = np.repeat([0, 128, 255], 800)[None].repeat(16, 0).astype(np.uint8)
    alpha = predict(small(), image, trimap)
    assert alpha.shape == (16, 2400) and alpha.dtype == np.float32
    assert (alpha[trimap == 0] == 0).all() and (alpha[trimap == 255] == 1).all()


def test_loss_and_its_gradient_are_the_released():
    parts = inputs("lsa", "loss_64x96")
    raw = torch.tensor(1.3 * parts["prediction"] - 0.15)[None, None].requires_grad_()
    alpha, unknown = (
        torch.tensor(each)[None, None] for each in (parts["matte"] / 255, parts["trimap"] == 128)
    )
    loss = pyramid_loss(raw, alpha, unknown.double())
    loss.backward()
    check("lsa", "loss_64x96", loss=loss.detach(), gradient=raw.grad)


def test_loss_of_a_perfect_matte_is_the_smoothing_alone():
    alpha, unknown = torch.rand(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    unknown[..., :16, :16] = 1
    expected = sum(0.5**n * 1e-3 * 4 ** (4 - n) / (4 ** (4 - n) + 1) for n in range(5))
    # 256 unknown pixels are 256 / 4^l of level l.
    assert pyramid_loss(alpha, alpha, unknown).item() == pytest.approx(expected, rel=1e-5)


def test_every_golden_case_is_read():
    tested = {"net", "inference", "tta8", "brm", "refine", "trimap", "gamma", "colour", "loss"}
    assert {name.partition("_")[0] for name in cases("lsa")} == tested
