"""Errors of one matte: whole, by region, in the hair band, in the unknown region, and alpha F."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gfm.bench.cases import Case, Pixels
from gfm.evaluation.evaluate import Metrics
from gfm.guidance.bands import UNKNOWN, distance_to
from gfm.guidance.masks import SOLID, contour
from gfm.guidance.refinement import SOFT, grown
from gfm.guidance.transition import transition_regions
from gfm.metrics import Convention, evaluate
from gfm.metrics.layers import layer_errors
from rssn.imaging.errors import InputError, one_line
from rssn.imaging.images import Alpha
from rssn.imaging.reading import read_alpha, read_rgba

CONVENTION: Convention = "gfm"
TRIMAP_CONVENTION: Convention = "dim"
HAIR = "mad_hair"
UNKNOWN_REGION = ("sad", "mse", "grad", "conn")  # as unknown_sad and so on
# Relative to the shorter side of the photograph:
STRAND = 0.006  # half of the width of what counts as a strand or a gap, not as a body
EDGE = 0.004  # a plain edge may be as soft as this on either side
AROUND = 0.004  # that the band reaches around the strands


def errors_of(case: Case, made: Path) -> Metrics | str:
    """The errors of the matte in a file, or why there are none."""
    try:
        return measure(case.read(), *_read(case, made))
    except (InputError, MemoryError) as error:
        return one_line(error)


def measure(pixels: Pixels, alpha: Alpha, colours: NDArray[np.uint8] | None = None) -> Metrics:
    """Errors of a matte.

    Args:
        pixels: The photograph and its truth.
        alpha: The matte (H, W) in [0, 1].
        colours: The object's colours (H, W, 3), uint8.

    Returns:
        The metrics of convention `gfm` with those of its regions; `mad_hair` where the photograph
        has a hair band; `unknown_sad`, `unknown_mse`, `unknown_grad` and `unknown_conn`, of
        convention `dim` in the unknown region, where it has a trimap; `sad_alpha_f` and
        `mse_alpha_f` where its true colours are known.
    """
    truth = pixels.alpha
    errors = evaluate(alpha, truth, transition_regions(truth), CONVENTION)
    hair = hair_band(truth)
    if hair.any():
        errors[HAIR] = float(np.abs(alpha - truth)[hair].mean(dtype=np.float64))
    if pixels.trimap is not None and (pixels.trimap == UNKNOWN).any():
        found = evaluate(alpha, truth, pixels.trimap, TRIMAP_CONVENTION)
        errors |= {f"unknown_{name}": found[f"{name}_transition"] for name in UNKNOWN_REGION}
    if pixels.colours is not None and colours is not None:
        layers = layer_errors((alpha, colours), (truth, pixels.colours))
        errors |= {name: layers[name] for name in ("sad_alpha_f", "mse_alpha_f")}
    return errors


def hair_band(alpha: Alpha) -> NDArray[np.bool_]:
    """Pixels (H, W) of hair, fur, nets and soft things of a true matte, without its plain edges.

    These are the pixels where the matte differs from its body, which is what is left of it without
    strands and gaps, by more than a plain edge explains, and those close to them.
    """
    import cv2

    side = min(alpha.shape)
    reach = max(2, round(STRAND * side))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    body = (alpha > SOLID).astype(np.uint8)
    for how in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        body = np.asarray(cv2.morphologyEx(body, how, disc), np.uint8)
    plain = distance_to(contour(body > 0)) <= max(2.0, EDGE * side)
    strands = (np.abs(alpha - body) > 2 * SOFT) & ~plain
    return grown(strands, AROUND * side) if strands.any() else strands


def _read(case: Case, made: Path) -> tuple[Alpha, NDArray[np.uint8] | None]:
    if not case.is_coloured:
        return read_alpha(made), None
    colours, alpha = read_rgba(made)
    return alpha, colours
