"""Many clients at once against a process of `gfm serve`: memory and answers hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import soak_server as module
from server_process import serving
from serving import LIMITS, listening
from soak_server import ABORTED, SoakOptions, SoakResult, soak

from rssn.imaging.errors import InputError

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


@pytest.mark.integration
def test_40_requests(model_file):
    options = SoakOptions(requests=40, clients=4, broken=0.2, queue=1, warm_up=20)
    result = soak(model_file, options, quiet=True)
    assert result.wrong == []
    busy = result.statuses.pop("503")  # four clients, two places
    assert busy > 0
    # Eight are broken: each way once, then again from the first.
    assert result.statuses == {"200": 32, "415": 2, "422": 2, "400": 2, "413": 1, ABORTED: 1}
    assert len(result.seconds) == 32


@pytest.mark.slow
def test_memory_is_flat_and_no_answer_wrong_over_1000_requests(model_file):
    result = soak(model_file, SoakOptions(), quiet=True)
    assert result.wrong == []
    assert result.statuses["200"] == 950
    warm, end, _ = result.memory
    assert end - warm < 15e6


def test_answer_to_another_client_would_be_noticed(model_file):
    mine, others = list(module._plan(model_file, SoakOptions(requests=8, warm_up=1)))[:2]
    result = SoakResult()
    with listening(LIMITS) as port:
        module._ask(port, mine, result)
        assert result.wrong == []
        module._ask(port, replace(mine, wanted=others.wanted), result)
        module._ask(port, replace(mine, status="415"), result)
    assert "another picture" in result.wrong[0]
    assert float(result.wrong[0].split()[2]) > 10 * module.ALIKE
    assert "200 in place of 415" in result.wrong[1]


def test_summary_is_of_the_figures():
    result = SoakResult(Counter({"200": 4, "503": 1}), [], [0.1, 0.2, 0.3, 0.4], 2.0)
    result.memory = (400_000_000, 401_000_000, 450_000_000)
    assert str(result).splitlines() == [
        "answers: 4 x 200, 1 x 503; 0 wrong",
        "photographs: 2.0 a second, p50 250 ms, p95 385 ms",
        "memory: 400 MB after the warm-up, 401 MB at the end, at most 450 MB",
    ]


@pytest.mark.parametrize("wrong", [{"clients": 0}, {"broken": 1.0}, {"warm_up": 1000}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(InputError, match="clients="):
        SoakOptions(**wrong)


@pytest.mark.integration
def test_server_that_does_not_start_says_why(tmp_path):
    with (
        pytest.raises(InputError, match=r"error: .*none\.safetensors"),
        serving(tmp_path / "none.safetensors"),
    ):
        pass
