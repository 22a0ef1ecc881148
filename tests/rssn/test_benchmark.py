"""The plain way is a fair opponent: it makes what the build makes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from builds import samples_of

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from plain_build import Clock, choose, find_meetings, make_plainly, times_needed

from rssn import ROUTES
from rssn.build.builder import BuildOptions, build
from rssn.build.sources import find_sources
from rssn.route.compose import Steps

ROUTE = replace(ROUTES["rssn"], k=2, denoise_probability=0, blur_sizes=(3, 5))


def test_plain_way_makes_the_composites_of_the_build(
    foregrounds: Path, backgrounds: Path, tmp_path: Path
) -> None:
    options = BuildOptions(ROUTE, image_format="png")
    build(foregrounds, backgrounds, tmp_path / "out", options, workers=1)
    samples = samples_of(tmp_path / "out")
    meetings = find_meetings(find_sources(foregrounds)[0], backgrounds, ROUTE)
    assert len(meetings) == len(samples) == 8
    clock = Clock()
    for meeting in meetings:
        sample = samples[f"{meeting.source.id}-k{meeting.k}"]
        made = make_plainly(meeting, ROUTE, clock)
        assert meeting.background.name == sample.record["background"]
        assert {name: sample.record[name] for name in made.record} == made.record
        np.testing.assert_array_equal(made.background, sample.background)
        apart = np.abs(made.composite.astype(int) - sample.composite)
        assert apart.mean() < 0.2 and apart.max() <= 3
    assert {name: len(times) for name, times in clock.seconds.items()} == {
        name: needed for name, needed in times_needed(meetings).items() if needed
    }


def test_denoised_composites_and_others_are_chosen_in_turn(
    foregrounds: Path, backgrounds: Path
) -> None:
    meetings = find_meetings(find_sources(foregrounds)[0], backgrounds, ROUTE)
    denoised = Steps(denoise=True, blur_size=None, noise=False, position=(0, 0))
    meetings[5:] = [replace(meeting, steps=denoised) for meeting in meetings[5:]]
    assert choose(meetings, 4) == [meetings[i] for i in (5, 0, 6, 1)]
    assert choose(meetings, 99) == [meetings[i] for i in (5, 0, 6, 1, 7, 2, 3, 4)]
    assert times_needed(meetings)["denoise"] == 2 * 3


def test_mean_of_a_step() -> None:
    clock = Clock()
    clock.seconds["read"] = [(1.0, 3.0), (2.0, 5.0)]
    assert clock.mean("read") == (1.5, 4.0) and clock.mean("never made") == (0, 0)
