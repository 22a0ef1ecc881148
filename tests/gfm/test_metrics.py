"""The metrics against golden values, hand-computed values, and a plain definition of each."""

from __future__ import annotations

import numpy as np
import pytest
from golden import MATTES, golden_matte
from guided import inputs, outputs

from gfm.metrics import evaluate
from rssn.imaging.errors import InputError

GFM_REGIONS = {"sad_transition", "mse_transition", "mad_transition", "sad_fg", "sad_bg"}
DIM_REGIONS = {"sad_transition", "mse_transition", "grad_transition", "conn_transition"}
WHOLE = {"sad", "mse", "mad", "grad", "conn"}


def disc(size=96, radius=30.0, softness=6.0):
    """A soft disc as 8-bit levels, with noise in its soft rim as a float32 prediction."""
    y, x = np.mgrid[:size, :size] - size / 2 + 0.5
    alpha = np.clip((radius - np.hypot(x, y)) / softness + 0.5, 0, 1)
    levels = np.rint(alpha * 255).astype(np.uint8)
    noise = np.random.default_rng(3).normal(0, 0.15, alpha.shape) * (0 < alpha) * (alpha < 1)
    pred = np.clip(levels / 255 + noise, 0, 1).astype(np.float32)
    return pred, levels


def trimap_of(levels):
    return (levels > 0).astype(np.uint8) + (levels == 255)


@pytest.mark.parametrize("convention", ["gfm", "dim"])
@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("name", MATTES)
def test_golden(name, kind, convention):
    golden, arrays = golden_matte(name)
    levels = arrays["alpha"]
    alpha = levels if kind == "uint8" else levels.astype(kind) / np.array(255, kind)
    trimap = np.searchsorted([0, 128, 255], arrays["trimap"])
    metrics = evaluate(arrays["pred"], alpha, trimap, convention)
    if convention == "dim":
        metrics = {f"dim_{key}": value for key, value in metrics.items() if key != "mad"}
    assert metrics == pytest.approx(
        {key: golden[key] for key in metrics}, rel=1e-5 if convention == "gfm" else 1e-4
    )


@pytest.mark.parametrize(("convention", "regions"), [("gfm", GFM_REGIONS), ("dim", DIM_REGIONS)])
def test_keys(convention, regions):
    pred, levels = disc()
    assert set(evaluate(pred, levels, None, convention)) == WHOLE
    with_regions = evaluate(pred, levels, trimap_of(levels), convention)
    assert set(with_regions) == WHOLE | regions
    assert all(type(value) is float for value in with_regions.values())


def test_lsa_gives_the_released_values():
    parts, golden = inputs("lsa", "loss_64x96"), outputs("lsa", "loss_64x96")
    trimap, pred = parts["trimap"], parts["prediction"]
    got = evaluate(pred, parts["matte"], trimap, "lsa")
    assert got == pytest.approx({name: float(golden[f"metric_{name}"]) for name in got}, rel=1e-7)
    pasted = np.select([trimap == 0, trimap == 255], [0, 1], pred)
    assert evaluate(pasted, parts["matte"] / 255, trimap, "lsa") == got


def test_levels_of_a_file_are_a_trimap():
    pred, levels = disc()
    labels = trimap_of(levels)
    expected = evaluate(pred, levels, labels, "dim")
    assert evaluate(pred, levels, np.array([0, 128, 255], np.uint8)[labels], "dim") == expected


def test_errors_by_hand():
    alpha = np.array([[0, 0], [1, 1]], np.float64)
    pred = np.array([[0.2, 0], [0.6, 1]], np.float64)  # 51 and 153 of 255, exact in 8 bits
    trimap = np.array([[0, 1], [1, 2]])
    for convention in ("gfm", "dim"):
        got = evaluate(pred, alpha, trimap, convention)
        assert got["sad"] == pytest.approx(0.6 / 1000)
        assert got["mse"] == pytest.approx((0.04 + 0.16) / 4)
        assert got["mad"] == pytest.approx(0.6 / 4)
        assert got["sad_transition"] == pytest.approx(0.4 / 1000)
        assert got["mse_transition"] == pytest.approx(0.16 / 2)
    got = evaluate(pred, alpha, trimap, "gfm")
    assert got["mad_transition"] == pytest.approx(0.4 / 2)
    assert (got["sad_bg"], got["sad_fg"]) == (pytest.approx(0.2 / 1000), 0)


def test_dim_rounds_to_eight_bits():
    alpha = np.zeros((4, 4))
    assert evaluate(np.full((4, 4), 0.4 / 255), alpha, convention="dim")["sad"] == 0
    assert evaluate(np.full((4, 4), 0.6 / 255), alpha, convention="dim")["mad"] == 1 / 255


def test_grad_of_a_ramp():
    """A kernel of unit energy multiplies the slope of a ramp, 1/255, by its first moment."""
    ramp = np.tile(np.arange(256, dtype=np.uint8), (5, 1))
    trimap = np.zeros(ramp.shape, np.uint8)
    trimap[:, 10:-10] = 1  # the borders, repeated, are flatter
    x = np.arange(-4, 5)
    gaussian = np.exp(-0.5 * (x / 1.4) ** 2)
    energy = np.square(gaussian).sum() * np.square(x * gaussian).sum()
    slope = gaussian.sum() * (x * x * gaussian).sum() / np.sqrt(energy) / 255
    got = evaluate(np.zeros_like(ramp), ramp, trimap, "dim")["grad_transition"]
    assert got == pytest.approx(5 * 236 * slope**2 / 1000, rel=1e-6)


def naive_grad(pred, alpha):
    """The `gfm` definition with explicit padding and a full two-dimensional kernel."""
    x = np.arange(-6, 7)
    gaussian = np.exp(-0.5 * (x / 1.4) ** 2)
    gaussian /= gaussian.sum()
    kernel = np.outer(gaussian, x / 1.4**2 * gaussian)

    def magnitude(matte):
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(matte, 6, mode="symmetric"), (13, 13)
        )
        across, down = (np.einsum("hwij,ij->hw", windows, k) for k in (kernel, kernel.T))
        return np.hypot(across, down)

    return np.square(magnitude(pred) - magnitude(alpha)).sum() / 10


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (3, 3), (20, 31)])
def test_grad_at_any_size(shape):
    rng = np.random.default_rng(0)
    pred, alpha = rng.random(shape), rng.random(shape)
    assert evaluate(pred, alpha)["grad"] == pytest.approx(
        naive_grad(pred, alpha), rel=1e-7, abs=1e-15
    )


@pytest.mark.parametrize("convention", ["gfm", "dim"])
def test_conn_counts_what_is_cut_off(convention):
    """A detached island in the prediction, and a body on which both agree."""
    alpha = np.zeros((20, 20))
    alpha[2:12, 2:12] = 1
    pred = alpha.copy()
    pred[15:17, 15:17] = 0.8  # never in the largest component: level 0, cut off by 0.8
    pred[15:17, 18] = 0.1  # below θ: does not count
    got = evaluate(pred, alpha, convention=convention)["conn"]
    assert got == pytest.approx(4 * round(0.8 * 255) / 255 / 1000)


def test_conn_measures_from_the_last_common_threshold():
    alpha = np.ones((6, 6))
    pred = np.ones((6, 6))
    pred[0, 0] = 0.55  # in Ω up to 0.5: the matte is 0.5 above, the prediction 0.05 < θ
    assert evaluate(pred, alpha)["conn"] == pytest.approx(0.5 / 1000)


@pytest.mark.parametrize(("convention", "expected"), [("gfm", 0.0), ("dim", 51 / 255)])
def test_conn_where_no_pixel_reaches_a_threshold(convention, expected):
    """The prediction ends at 0.8: `gfm` skips 0.9 and 1, for `dim` nothing is connected there."""
    pred, alpha = np.full((10, 10), 0.8), np.ones((10, 10))
    got = evaluate(pred, alpha, convention=convention)["conn"]
    assert got == pytest.approx(100 * expected / 1000)


@pytest.mark.parametrize("convention", ["gfm", "dim"])
@pytest.mark.parametrize("level", [0, 153, 255])
def test_a_constant_matte_that_is_met_has_no_error(level, convention):
    matte = np.full((5, 8), level, np.uint8)
    trimap = np.full((5, 8), 2 * (level > 0))  # no transition
    assert set(evaluate(matte, matte, trimap, convention).values()) == {0.0}


@pytest.mark.parametrize("convention", ["gfm", "dim"])
def test_all_wrong(convention):
    got = evaluate(np.ones((10, 20)), np.zeros((10, 20)), convention=convention)
    assert (got["sad"], got["mse"], got["mad"], got["grad"]) == (0.2, 1, 1, pytest.approx(0))
    assert got["conn"] == pytest.approx(0.2 if convention == "dim" else 0)


@pytest.mark.parametrize("convention", ["gfm", "dim"])
def test_a_file_scores_the_same_in_every_number_type(convention):
    pred, levels = disc()
    pred = np.rint(pred * 255).astype(np.uint8)
    trimap = trimap_of(levels)
    expected = evaluate(pred, levels, trimap, convention)
    for kind in (np.float32, np.float64):
        unit = [(m / np.array(255, kind)).astype(kind) for m in (pred, levels)]
        assert evaluate(*unit, trimap, convention) == expected


def test_transposition_changes_nothing():
    pred, levels = disc()
    for convention in ("gfm", "dim"):
        upright = evaluate(pred, levels, trimap_of(levels), convention)
        turned = evaluate(pred.T, levels.T, trimap_of(levels).T, convention)
        assert turned == pytest.approx(upright, rel=1e-12)


HALF = np.full((4, 6), 0.5)
ZEROS = np.zeros((4, 6), np.uint8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((HALF, HALF.T), "pred is 6x4 and alpha 4x6"),
        ((HALF + 0.6, HALF), r"pred .*1\.1"),
        ((HALF, -HALF), r"alpha .*-0\.5"),
        ((np.where(ZEROS == 0, np.nan, 0), HALF), "pred .*nan"),
        ((HALF.astype(int), HALF), "pred .*int64"),
        ((HALF[None], HALF), r"pred has shape \(1, 4, 6\)"),
        ((HALF[:0], HALF[:0]), r"pred has shape \(0, 6\)"),
        ((HALF, HALF, HALF), "trimap .*float64"),
        ((HALF, HALF, ZEROS.T), "trimap has shape"),
        ((HALF, HALF, ZEROS + 100), "0, 128, 255"),
        ((HALF, HALF, None, "lsa"), "give a trimap"),
        ((HALF, HALF, ZEROS, "sad"), "'sad' .*'gfm', 'dim' or 'lsa'"),
    ],
)
def test_bad_input_names_the_remedy(arguments, message):
    with pytest.raises(InputError, match=message):
        evaluate(*arguments)
