"""One batch is learned by heart: labels, losses and fusion ask for the same matte."""

import pytest
import torch
from tiny import ROSTAS, build, draw_matte, draw_photograph

from gfm.data.crops import Planes
from gfm.data.samples import Batch, Crop
from gfm.models.glance_focus.network import GFM
from gfm.models.glance_focus.targets import labelled
from gfm.models.glance_focus.task import GFMTask
from gfm.training.overfitting import keep_state, overfit, take_state
from rssn.imaging.blending import blend

SIDE, KERNEL = 64, 9


def task_of(model: GFM) -> GFMTask:
    """The task of a network that is there."""
    task = GFMTask("timm:test_resnet", model.config.rosta, width=model.config.width)
    task.model = model
    return task


def draw_batch(rosta: str, count: int = 8) -> Batch:
    crops = []
    for number in range(count):
        alpha = draw_matte(SIDE, SIDE, radius=10 + 2 * number, rim=4 + number)
        colours = [draw_photograph(seed, SIDE, SIDE) for seed in (2 * number, 2 * number + 1)]
        planes = Planes(blend(alpha, *colours), alpha, *colours)
        crops.append(Crop(f"c{number}", planes, 1.0))
    return labelled(crops, rosta, KERNEL)


@pytest.mark.slow
@pytest.mark.parametrize("rosta", ROSTAS)
def test_eight_crops_are_learned_to_one_percent(rosta):
    torch.set_num_threads(1)
    # At a width of 0.25 the head of FT is 16 channels, none of which may come to tell the object.
    result = overfit(task_of(build(rosta=rosta, width=0.5)), draw_batch(rosta))
    assert result.before > 0.1
    assert result.after < 0.01


def test_training_stops_at_its_limits():
    batch = draw_batch("TT", 2)
    assert overfit(task_of(build()), batch, steps=2).steps == 2
    assert overfit(task_of(build()), batch, seconds=0).steps == 1


def test_loss_that_is_not_finite_is_told():
    batch = draw_batch("TT", 2)
    result = overfit(
        task_of(build()), batch._replace(foreground=batch.foreground * float("nan")), steps=3
    )
    assert (result.steps, result.finite) == (1, False)


def test_training_goes_on_from_its_state(tmp_path):
    def train(network, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            network(torch.ones(1, 2)).square().sum().backward()
            optimizer.step()

    def start():
        torch.manual_seed(0)
        network = torch.nn.Linear(2, 1)
        return network, torch.optim.Adam(network.parameters(), 0.1)

    whole, first, second = start(), start(), start()
    train(*whole, 5)
    state = tmp_path / "folder/state.pt"
    assert take_state(state, *first) == 0
    train(*first, 3)
    keep_state(state, 3, *first)
    assert take_state(state, *second) == 3
    train(*second, 2)
    assert torch.equal(whole[0].weight, second[0].weight)
