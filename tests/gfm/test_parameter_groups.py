"""Parameter groups: what decays, what the encoder's own learning rate reaches, old checkpoints."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from tiny import random_image, shared

from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.task import GFMTask
from gfm.training.parameter_groups import parameter_groups, regroup
from rssn.imaging.errors import InputError

TINY = {"backbone": "timm:test_resnet", "width": 0.25}


@pytest.mark.parametrize("backbone", ["timm:test_resnet", "timm:test_convnext"])
@pytest.mark.parametrize("rosta", ["TT", "RIM"])
def test_each_parameter_is_in_the_group_of_its_place_and_kind(backbone, rosta):
    model = shared(backbone, rosta)
    groups = {group["name"]: group for group in parameter_groups(model, 1e-3, 1e-4, 0.1)}
    found = {id(p): name for name, group in groups.items() for p in group["params"]}
    assert len(found) == sum(len(group["params"]) for group in groups.values())
    assert len(found) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        part = "encoder" if name.startswith("encoder.") else "decoders"
        assert found[id(parameter)] == part + ("_norms" if parameter.ndim <= 1 else ""), name
    rates = {name: (group["lr"], group["weight_decay"]) for name, group in groups.items()}
    assert rates == {
        "encoder": (1e-4, 0.1),
        "encoder_norms": (1e-4, 0),
        "decoders": (1e-3, 0.1),
        "decoders_norms": (1e-3, 0),
    }


def optimizer_of(task: GFMTask) -> torch.optim.Optimizer:
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    task._trainer = SimpleNamespace(gradient_clip_val=None, precision="32-true", strategy=strategy)
    made = task.configure_optimizers()
    return made["optimizer"] if isinstance(made, dict) else made


def test_norms_and_biases_do_not_decay():
    task = GFMTask(**TINY, learning_rate=0.1, weight_decay=0.5)
    before = {name: value.clone() for name, value in task.model.named_parameters()}
    optimizer = optimizer_of(task)
    for parameter in task.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()  # without gradients, decay alone changes the values: by 1 - 0.1 * 0.5
    for name, value in task.model.named_parameters():
        wanted = before[name] * (0.95 if value.ndim > 1 else 1)
        torch.testing.assert_close(value, wanted, msg=name)


def test_encoder_has_a_rate_of_its_own():
    task = GFMTask(**TINY, learning_rate=1e-2, encoder_learning_rate=0)
    before = {name: value.clone() for name, value in task.model.named_parameters()}
    optimizer = optimizer_of(task)
    task.model.train()(random_image(64, 64, batch=2)).alpha.mean().backward()
    optimizer.step()
    moved = {n for n, value in task.model.named_parameters() if not torch.equal(value, before[n])}
    assert not [name for name in moved if name.startswith("encoder.")]
    assert any(name.startswith("glance.") for name in moved)


@pytest.mark.parametrize(("share", "factor"), [(0.0, 0.04), (0.05, 1.0), (0.525, 0.5)])
def test_schedule_scales_all_groups(share, factor, monkeypatch):
    monkeypatch.setattr("gfm.training.task.share_done", lambda trainer: share)
    task = GFMTask(**TINY, learning_rate=1e-2, encoder_learning_rate=1e-3, schedule="cosine")
    rates = [group["lr"] for group in optimizer_of(task).param_groups]
    assert rates == pytest.approx([1e-3 * factor, 1e-3 * factor, 1e-2 * factor, 1e-2 * factor])


def trained(optimizer: torch.optim.Optimizer, model: GFM) -> None:
    """A step whose gradients follow from the parameters alone."""
    for number, parameter in enumerate(model.parameters()):
        parameter.grad = torch.full_like(parameter, (number % 7 - 3) / 10)
    optimizer.step()


def test_checkpoint_with_a_single_group_goes_on_to_the_bit():
    """Without decay, and with one rate, the groups change nothing."""
    single, grouped = (GFMTask(**TINY, learning_rate=1e-2) for _ in range(2))
    grouped.load_state_dict(single.state_dict())
    old = torch.optim.AdamW(single.model.parameters(), lr=1e-2, weight_decay=0, fused=True)
    trained(old, single.model)
    grouped.load_state_dict(single.state_dict())
    checkpoint = {"optimizer_states": [copy.deepcopy(old.state_dict())]}
    new = optimizer_of(grouped)
    grouped.on_load_checkpoint(checkpoint)
    new.load_state_dict(checkpoint["optimizer_states"][0])
    for optimizer, task in ((old, single), (new, grouped)):
        trained(optimizer, task.model)
    wanted = single.state_dict()
    for key, value in grouped.state_dict().items():
        assert torch.equal(value, wanted[key]), key


def test_several_groups_are_left_as_they_are():
    task = GFMTask(**TINY)
    state = optimizer_of(task).state_dict()
    assert regroup(state, task.model, parameter_groups(task.model, 1.0)) is state


@pytest.mark.parametrize("name", ["learning_rate", "encoder_learning_rate", "weight_decay"])
@pytest.mark.parametrize("value", [-1e-3, float("nan"), float("inf")])
def test_bad_options_are_refused(name, value):
    options = {"learning_rate": 1e-3} | {name: value}
    with pytest.raises(InputError, match=rf"{name}={value!r}"):
        parameter_groups(shared(), **options)
