"""Golden values are whole, and the seeds still make what they were taken of."""

from __future__ import annotations

import numpy as np
import pytest
from golden import FOLDER, MATTES, OUTPUTS, RELEASED, draw_waves, fill, golden_matte, golden_outputs


def test_folder_holds_what_the_tests_read():
    wanted = {"README.md"} | {f"keys_{backbone}.json" for backbone, _ in RELEASED}
    wanted |= {f"norms_{variant.rpartition('_')[0]}.npz" for variant in OUTPUTS}
    wanted |= {f"{variant}.npz" for variant in OUTPUTS}
    wanted |= {f"{name}.{kind}" for name in MATTES for kind in ("json", "npz")}
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    assert {path.name for path in files} == wanted
    assert sum(path.stat().st_size for path in files) < 3e6
    guided = {path.name.partition("_")[2] for path in (FOLDER / "guided").iterdir()}
    assert guided <= {"golden.json", "golden.npz", "keys.json", "no_stream_keys.json", "stats.npz"}


@pytest.mark.parametrize(
    ("leaf", "shape", "ends"),
    [
        ("0.weight", (64, 3, 7, 7), (0.04100297, 0.0506396)),
        ("1.weight", (64,), (1.0117501, 1.0123572)),
        ("1.bias", (64,), (-0.06904352, 0.00845411)),
        ("1.running_var", (64,), (0.985012, 0.59351075)),
        ("1.running_mean", (64,), (0.12990801, 0.02083529)),
    ],
)
def test_weights_come_from_their_keys(leaf, shape, ends):
    values = fill(f"encoder0.{leaf}", shape)
    assert values.dtype == np.float32 and values.shape == shape
    assert values.ravel()[[0, -1]] == pytest.approx(ends)


def test_photograph_is_drawn_from_its_seed():
    image = draw_waves(96, 128, 0)
    assert image[[0, 48, -1], [0, 64, -1]].tolist() == [
        [142, 76, 103],
        [219, 98, 74],
        [129, 90, 58],
    ]


@pytest.mark.parametrize(
    ("name", "three", "two", "total"),
    [
        ("matte_1", (0.95019144, 0.49517918), (0.28027546, 0.83582664), 11_704_267),
        ("matte_2", (0.07111483, 0.443954), (0.35777944, 0.43862283), 13_664_414),
    ],
)
def test_glances_and_composite_are_made_again(name, three, two, total):
    _, arrays = golden_matte(name)
    for glance, ends in ((arrays["glance3"], three), (arrays["glance2"], two)):
        assert glance.ravel()[[0, -1]] == pytest.approx(ends)
    assert arrays["composite"].sum() == total


@pytest.mark.parametrize(
    "read", [lambda: golden_matte("matte_3"), lambda: golden_outputs("r18", "TT")]
)
def test_missing_file_is_an_error(read):
    with pytest.raises(FileNotFoundError, match=r"matte_3\.npz|r18_TT\.npz"):
        read()
