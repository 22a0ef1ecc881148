"""Training in bfloat16: what follows the last convolution computes in float32."""

from __future__ import annotations

import pytest
import torch
from tiny import ROSTAS, build, parts_of, random_image

from gfm.models.glance_focus.fusion import fuse_expected


def autocast():
    return torch.autocast("cpu", torch.bfloat16)


@pytest.mark.parametrize("rosta", ROSTAS)
def test_probabilities_focus_fusion_and_rim_are_those_of_float32(rosta):
    model = build(rosta=rosta).train()
    with autocast():
        output = model(random_image(64, 64, batch=2))
    parts = parts_of(output)
    for name, part in parts.items():
        assert {values.dtype for values in part} == {torch.float32}, name
        glance = part.glance_logits.softmax(dim=1)
        assert torch.equal(part.glance, glance)
        assert torch.equal(part.alpha, fuse_expected(glance, part.focus, name or rosta))
    if rosta == "RIM":
        assert torch.equal(output.alpha, model.rim([part.alpha for part in parts.values()]))


def test_focus_tells_confident_logits_apart():
    """Logits from 4 to 8 had six values."""
    model = build()
    last = model.focus.heads["TT"][-2]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    last.weight.data[0, 0, 1, 1] = 1

    def ramp(layer, inputs):
        features = torch.zeros_like(inputs[0])
        features[0, 0] = torch.linspace(4, 8, features[0, 0].numel()).view_as(features[0, 0])
        return (features,)

    last.register_forward_pre_hook(ramp)
    with autocast(), torch.no_grad():
        focus = model(random_image(64, 64)).focus
    assert len(focus.unique()) >= 128  # as many as bfloat16 has logits between 4 and 8
    assert focus.min().item() == pytest.approx(torch.sigmoid(torch.tensor(4.0)).item(), abs=1e-6)


@pytest.mark.parametrize("logit", [7.0, 12.0])
def test_confident_wrong_pixels_have_a_gradient(logit):
    """It was exactly 0 at 7."""
    model = build().train()
    last = model.focus.heads["TT"][-2]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, logit)
    with autocast():
        model(random_image(64, 64)).focus.mean().backward()
    says = torch.sigmoid(torch.tensor(logit, dtype=torch.float64)).item()
    assert last.bias.grad.item() == pytest.approx(says * (1 - says), rel=1e-2)


def test_network_in_bfloat16_gives_float32():
    model = build(rosta="RIM").bfloat16()
    with torch.no_grad():
        output = model(random_image(32, 64))
    assert output.alpha.dtype == torch.float32
    assert {values.dtype for part in (output.tt, output.ft) for values in part} == {torch.float32}
