"""The table of the route experiment, from the cells that are finished."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/experiment_routes.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("experiment_routes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cell(*mads: float) -> dict[str, dict[str, float]]:
    """Photographs whose MAD is given; their other errors are ten times as large."""
    others = ("sad", "mse", "grad", "conn")
    return {f"p{n}": {"mad": mad, **dict.fromkeys(others, 10 * mad)} for n, mad in enumerate(mads)}


def test_routes_leave_out_one_step_each(script):
    routes = script.routes()
    assert list(routes) == ["rssn", "bg20k", "coco", "rssn-denoise", "rssn-blur", "rssn-noise"]
    for step in ("denoise", "blur", "noise"):
        less = routes[f"rssn-{step}"].probabilities
        assert less.pop(step) == 0 and set(less.values()) == {0.5}
    assert set(routes["coco"].probabilities.values()) == {0}


def test_interval_covers_photographs_and_seeds(script):
    assert script.interval(np.full((3, 5), 0.25)) == "0.2500 (0.2500 to 0.2500)"
    photographs = script.interval(np.array([[0.0, 1.0]]))
    assert photographs == "0.5000 (0.0000 to 1.0000)"  # both drawn twice in a quarter each
    assert script.interval(np.array([[0.0], [1.0]])) == photographs  # seeds as well


def test_table_of_unfinished_cells(script):
    cells = {
        ("rssn", 0): cell(0.1, 0.2),
        ("rssn", 1): cell(0.3, 0.4),
        ("coco", 0): cell(0.2, 0.3),
        ("bg20k", 2): cell(0.5, 0.5),
    }
    rows = {line.split(" | ")[0][2:]: line for line in script.table(cells).splitlines()[2:]}
    assert list(rows) == ["rssn", "coco", "bg20k"]
    assert "| rssn | 2 | 0.2500 (" in rows["rssn"] and rows["rssn"].endswith("| – |")
    assert "| 0.1000 (0.1000 to 0.1000) |" in rows["coco"]  # paired by seed and photograph
    assert "| 1 | 0.5000 (0.5000 to 0.5000) | 5 | 5 | 5 | 5 | – |" in rows["bg20k"]


def test_locked_cell_is_left_to_the_other_process(script, tmp_path):
    with script.locked(tmp_path / "cell.lock") as mine:
        assert mine
        with script.locked(tmp_path / "cell.lock", wait=False) as also_mine:
            assert not also_mine
    with script.locked(tmp_path / "cell.lock", wait=False) as mine:
        assert mine
