"""The page itself: HTML with everything inside it, from data that others have computed."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gfm.evaluation.comparison import DECIDING, Comparison, figure
from gfm.evaluation.html import document, picture
from gfm.metrics import METRICS
from rssn.imaging.drawing import fitted

SHOWN_SIDE = 320  # px of the longer side of a picture on the page

STYLE = """
.verdict { border-left: 4px solid var(--accent); padding: .4rem 1rem; background: var(--soft) }
.lost { border-color: #b3402e }
.scene { display: grid; grid-template-columns: repeat(5, 1fr); gap: .5rem; margin: 1rem 0 }
.scene p { grid-column: 1 / -1; margin: .4rem 0 0 }
.charts { display: flex; gap: 2rem; flex-wrap: wrap }
svg text { fill: currentColor; font-size: 12px }
"""


@dataclass(frozen=True)
class Scene:
    """One held-out photograph and what the model made of it, uint8 RGB (H, W, 3) each."""

    name: str
    photo: NDArray[np.uint8]
    trimap: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    cutout: NDArray[np.uint8]


@dataclass(frozen=True)
class Curve:
    """A quantity over the training steps."""

    title: str
    steps: Sequence[float]
    values: Sequence[float]
    logarithmic: bool = False


def render(
    title: str,
    comparison: Comparison,
    curves: Sequence[Curve],
    scenes: Sequence[Scene],
    facts: Sequence[tuple[str, str]],
    gallery: NDArray[np.uint8] | None = None,
) -> str:
    """The whole page as HTML; it refers to nothing outside itself.

    Args:
        title: Of the page.
        comparison: Metrics of the model and of what it has to beat.
        curves: Of the training.
        scenes: Held-out photographs and their mattes.
        facts: Lines of the table at the end.
        gallery: A picture to show first, uint8 RGB (H, W, 3).
    """
    parts = [
        *([] if gallery is None else [_gallery(gallery)]),
        _verdict(comparison),
        _change(comparison),
        "<h2>Held-out photographs, means</h2>",
        _table(comparison),
        '<p class="note">Convention <code>gfm</code>, whole image; SAD, Grad and Conn in '
        "thousands. The best constant is chosen for each photograph and metric with knowledge of "
        "the reference matte.</p>",
        "<h2>Training</h2>",
        f'<div class="charts">{"".join(chart(curve) for curve in curves)}</div>',
        "<h2>Photographs, from the best to the worst by SAD</h2>",
        *(_scene(scene, comparison) for scene in scenes),
        "<h2>How this was made</h2>",
        "<table>",
        *(f"<tr><td>{html.escape(k)}</td><td>{html.escape(v)}</td></tr>" for k, v in facts),
        "</table>",
    ]
    return document(title, parts, STYLE)


def chart(curve: Curve, width: int = 540, height: int = 260) -> str:
    """A line chart as SVG."""
    left, bottom, top, right = 56, 36, 24, 28
    pairs = [(s, v) for s, v in zip(curve.steps, curve.values, strict=True) if math.isfinite(v)]
    if curve.logarithmic:
        pairs = [(s, v) for s, v in pairs if v > 0]
    if not pairs:
        return f"<p>{html.escape(curve.title)}: nothing was logged.</p>"
    scale = math.log10 if curve.logarithmic else float
    low, high = min(scale(v) for _, v in pairs), max(scale(v) for _, v in pairs)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    last = max(max(s for s, _ in pairs), 1)

    def across(step: float) -> float:
        return left + step / last * (width - left - right)

    def down(value: float) -> float:
        return top + (high - value) / (high - low) * (height - top - bottom)

    points = " ".join(f"{across(s):.1f},{down(scale(v)):.1f}" for s, v in pairs)
    marks = []
    for fraction in (0, 0.25, 0.5, 0.75, 1):
        level = low + fraction * (high - low)
        value = 10**level if curve.logarithmic else level
        marks.append(
            f'<line x1="{left}" x2="{width - right}" y1="{down(level):.1f}" y2="{down(level):.1f}" '
            f'stroke="currentColor" stroke-opacity=".15"/><text x="{left - 6}" '
            f'y="{down(level) + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        )
        step = fraction * last
        marks.append(
            f'<text x="{across(step):.1f}" y="{height - 14}" text-anchor="middle">{step:.0f}</text>'
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img">'
        f'<text x="{left}" y="14">{html.escape(curve.title)}, over the steps</text>'
        f'{"".join(marks)}<polyline points="{points}" fill="none" stroke="#2a7f62" '
        'stroke-width="1.8" stroke-linejoin="round"/></svg>'
    )


def fit_page(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at the size of the page; smaller ones stay."""
    return fitted(picture, SHOWN_SIDE, SHOWN_SIDE)


def _verdict(comparison: Comparison) -> str:
    defeats = comparison.defeats()
    if not defeats:
        return (
            '<p class="verdict">The trained model beats GrabCut and the best constant matte in SAD '
            "and in MSE.</p>"
        )
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in defeats)
    return f'<div class="verdict lost">The model does not beat the baselines:<ul>{lines}</ul></div>'


def _gallery(shown: NDArray[np.uint8]) -> str:
    alt = "photographs, mattes and cut-outs"
    title = "<h2>Photographs, matted by the packaged models</h2>"
    return title + picture(shown, "", alt, max(shown.shape))


def _change(comparison: Comparison) -> str:
    moved = [
        f"{metric.upper()} by {change:+.1%}"
        for metric in METRICS
        if (change := comparison.change(metric)) is not None
    ]
    return f"<p>The training changed {', '.join(moved)}.</p>" if moved else ""


def _table(comparison: Comparison) -> str:
    means = {
        metric: {method: comparison.mean(method, metric) for method in comparison.rows}
        for metric in METRICS
    }
    rows = []
    for method in comparison.rows:
        cells = []
        for metric in METRICS:
            value = means[metric][method]
            best = min(v for v in means[metric].values() if v is not None)
            mark = ' class="best"' if value == best else ""
            cells.append(f"<td{mark}>{figure(value)}</td>")
        rows.append(f"<tr><td>{method}</td>{''.join(cells)}</tr>")
    head = "".join(f"<th>{metric.upper()}</th>" for metric in METRICS)
    return f"<table><tr><th>Method</th>{head}</tr>{''.join(rows)}</table>"


def _scene(scene: Scene, comparison: Comparison) -> str:
    pictures = (
        ("photograph", scene.photo),
        ("trimap of the glance decoder", scene.trimap),
        ("alpha", scene.alpha),
        ("reference alpha", scene.reference),
        ("cut-out on a new background", scene.cutout),
    )
    figures = "".join(
        picture(image, caption, f"{caption} of {scene.name}", SHOWN_SIDE)
        for caption, image in pictures
    )
    scores = "; ".join(
        f"{method}: "
        + ", ".join(
            f"{m.upper()} {figure(comparison.rows[method][scene.name][m])}" for m in DECIDING
        )
        for method in comparison.rows
    )
    name = html.escape(scene.name)
    return (
        f'<div class="scene"><p><b>{name}</b> <span class="note">{scores}</span></p>{figures}</div>'
    )
