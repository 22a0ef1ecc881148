"""Losses, metrics and the guided filter of segmentation by clicks."""

from __future__ import annotations

import guided
import numpy as np
import pytest
import torch

from gfm.blocks.guided_filter import LearnedGuidedFilter, guided_filter
from gfm.losses.clicks import click_loss, soft_iou_loss
from gfm.metrics.clicks import (
    area_under_curve,
    corrective_accuracy,
    intersection_over_union,
    number_of_clicks,
    share_above,
)
from rssn.imaging.errors import InputError


def batch(array):
    return torch.from_numpy(np.ascontiguousarray(array))[None, None]


def test_golden_losses_and_iou():
    arrays = guided.inputs("interactive", "iou_a")
    truth, pred = arrays["matte"] / 255, arrays["prediction"]
    masks = torch.zeros(1, 2, 40, 50)
    for y, x, label in guided.draw_clicks(40, 50, 3, background=2, foreground=3):
        masks[0, label, y, x] = 1
    soft = soft_iou_loss(batch(pred), batch(truth))
    clicked = click_loss(batch(pred), masks)
    guided.check(
        "interactive",
        "iou_a",
        iou_void=intersection_over_union(pred, truth),
        iou=intersection_over_union(pred, truth, void=False),
        soft_iou=soft,
        click_loss=clicked,
        total=soft + clicked,
    )


def test_golden_number_of_clicks():
    ious = np.maximum.accumulate(guided.inputs("interactive", "noc_a")["iou"], axis=1)
    guided.check(
        "interactive",
        "noc_a",
        noc90=number_of_clicks(ious, 0.9),
        noc85=number_of_clicks(ious, 0.85),
        auc=area_under_curve(ious),
    )


def test_metrics_by_hand():
    ious = np.array([[0.2, 0.9, 0.99], [0.5, 0.6, 0.7]])
    assert number_of_clicks(ious, 0.9).tolist() == [2, 3]
    assert number_of_clicks(ious, 0.6).tolist() == [2, 2]
    assert (share_above(ious, 0.95), share_above(ious, 0.99)) == (0.5, 0)
    nothing = np.zeros((3, 4))
    assert intersection_over_union(nothing, nothing) == 1
    truth = np.array([[1.0, 1.0, 0.5, 0.0]])  # the third pixel is void
    assert intersection_over_union(np.array([[1.0, 0.4, 1.0, 0.0]]), truth) == 0.5
    region = np.array([[True, True, False, False]])
    assert corrective_accuracy(np.array([[0.5, 0.4, 1, 1]]), truth, region) == 0.5


def test_losses_by_hand():
    pred = torch.tensor([[[[0.5, 0.25], [0.0, 1.0]]]], requires_grad=True)
    target = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    assert soft_iou_loss(pred, target).item() == pytest.approx(1 - 1.5 / 2.25)
    masks = torch.zeros(1, 2, 2, 2)
    masks[0, 1, 0, 0] = masks[0, 0, 0, 1] = 1
    assert click_loss(pred, masks).item() == pytest.approx(0.25 + 0.0625)
    empty = torch.zeros(1, 1, 2, 2)
    assert soft_iou_loss(empty, empty).item() == 1  # a number, though there is nothing to find
    with pytest.raises(InputError, match="target has shape"):
        soft_iou_loss(pred, target[..., :1])


def test_golden_guided_filter():
    arrays = guided.inputs("interactive", "guided_filter_a")
    guide, mask = (torch.from_numpy(arrays[name]) for name in ("guide", "mask"))
    guided.check("interactive", "guided_filter_a", out=guided_filter(guide, mask))


def test_guided_filter_keeps_what_is_linear_in_the_guide():
    guide = torch.rand(2, 1, 9, 11, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(guided_filter(guide, 0.3 * guide + 0.1), 0.3 * guide + 0.1)
    flat = torch.full_like(guide, 0.7)  # no slope: the mean of means
    assert guided_filter(flat, flat).sub(0.7).abs().max() < 1e-6
    with pytest.raises(InputError, match="5 px"):
        guided_filter(guide[..., :5], guide[..., :5])


def test_learned_guided_filter_learns():
    torch.manual_seed(0)
    filter_ = LearnedGuidedFilter(5)
    assert sum(p.numel() for p in filter_.parameters()) == 449
    alpha = torch.rand(1, 1, 8, 8, requires_grad=True)
    out = filter_(alpha, torch.rand(1, 5, 8, 8))
    assert out.min() >= 0 and out.max() <= 1
    out.sum().backward()
    assert alpha.grad.abs().sum() > 0
    assert all(p.grad.abs().sum() > 0 for p in (filter_.expand.weight, filter_.reduce.weight))
