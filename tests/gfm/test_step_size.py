"""Crops per step are told, and compared with the paper's."""

from __future__ import annotations

import re

import pytest

from gfm.training.step_size import StepSize


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (StepSize(32), "32 crops per step"),
        (StepSize(4, 8), "32 crops per step: 4 per device x 8 devices"),
        (
            StepSize(4, 2, 4),
            "32 crops per step: 4 per device x 2 devices x 4 batches accumulated",
        ),
    ],
)
def test_total_is_told_with_its_factors(size, text):
    assert str(size) == text


@pytest.mark.parametrize(
    ("size", "backbone", "remedy"),
    [
        (StepSize(32), "r34", None),
        (StepSize(4, 8), "r34", None),
        (StepSize(32, 8), "r34", "256 crops.*with 32 at its.*set data.batch_size=4,"),
        (StepSize(4, 2), "d121", "8 crops.*with 4 at its.*set data.batch_size=2,"),
        (StepSize(1, 8), "d121", "8 crops.*take fewer devices"),
        (StepSize(512), "timm:test_resnet", None),
    ],
)
def test_more_than_the_papers_is_warned_of(size, backbone, remedy):
    warning = size.warning(backbone)
    assert (warning is None) == (remedy is None)
    if remedy:
        assert re.search(remedy, warning)
