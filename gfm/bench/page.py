"""The page of a comparison: HTML with everything inside it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from gfm.bench.cases import Case
from gfm.bench.comparison import matte_path
from gfm.bench.errors import CONVENTION, HAIR, TRIMAP_CONVENTION
from gfm.bench.report import BY_TRIMAP, MAIN, MAIN_UNKNOWN, WHOLE, Report, Row, figure
from gfm.evaluation.html import document, picture, table
from rssn.imaging.drawing import grey
from rssn.imaging.errors import InputError
from rssn.imaging.reading import read_alpha

SHOWN_SIDE = 300  # px of the longer side of a picture

STYLE = """
body { max-width: none }
.photograph { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr));
  gap: .5rem; margin: 0 0 1.6rem }
.photograph h3 { grid-column: 1 / -1; margin: .4rem 0 0; font-size: 1rem }
.wide { overflow-x: auto } .failed { color: #b3402e }
th.text, td.text { text-align: left; max-width: 46rem }
"""


def render(report: Report, cases: Sequence[Case], out: Path) -> str:
    """The whole page; it refers to nothing outside itself.

    Args:
        report: What was found.
        cases: The photographs.
        out: Folder with the mattes.
    """
    by_name = {case.name: case for case in cases}
    parts = [
        f"<p class='note'>{len(report.photographs)} photographs of "
        f"<code>{html.escape(report.folder)}</code>. Intervals are 95 % of a bootstrap over the "
        "photographs. Differences are to the first method of the table, photograph by photograph; "
        "below 0 is better than that.</p>",
        *_failures(report),
        f"<h2>Whole picture, convention <code>{CONVENTION}</code></h2>",
        _errors(report, report.whole, WHOLE, MAIN),
        "<p class='note'>SAD, Grad and Conn in thousands. Transition, object and background are "
        "the regions of the true matte by a kernel of 25 px; the hair band is where the true matte "
        "has strands, gaps and soft parts beside its plain edges.</p>",
    ]
    if report.with_trimaps:
        parts += [
            f"<h2>Unknown region of {len(report.with_trimaps)} trimaps, convention "
            f"<code>{TRIMAP_CONVENTION}</code></h2>",
            _errors(report, report.rows, BY_TRIMAP, MAIN_UNKNOWN),
        ]
    parts += [
        "<h2>Time, memory, licences</h2>",
        _costs(report),
        "<p class='note'>Seconds are the median of the photographs, without reading, writing and "
        "loading the method. Memory is the most that a process held that does nothing else. "
        "Licences are what the pictures that the weights were trained on allow, by their share of "
        "the training, as the weights record them.</p>",
        *_seen(report),
        f"<h2>Photographs, worst first by {html.escape(_leading(report))}</h2>",
        *(_photograph(report, by_name[name], out) for name in report.worst_first()),
    ]
    return document("Comparison of matting methods", parts, STYLE)


def _leading(report: Report) -> str:
    row = report.reference(MAIN)
    return "name" if row is None else row.name


def _errors(report: Report, rows: Sequence[Row], columns: Mapping[str, str], main: str) -> str:
    shown = [key for key in columns if any(row.values(key) for row in rows)]
    names = [columns[key] for key in shown]
    head = ["", *names[:1], "95 %", "difference", *names[1:], "n"]
    order = [main, *(key for key in shown if key != main)] if shown else []
    best = {key: min(m.value for row in rows if (m := row.mean(key))) for key in order}
    lines = []
    for row in rows:
        cells = report.cells(row, shown, main)
        for number, key in enumerate(order):
            place = number + 2 if number else 0  # interval and difference follow the first
            if (mean := row.mean(key)) is not None and mean.value == best[key]:
                cells[place] = f"<b class='best'>{cells[place]}</b>"
        lines.append([html.escape(row.name), *cells])
    return f"<div class='wide'>{table(head, lines)}</div>"


def _costs(report: Report) -> str:
    lines = []
    for row in report.rows:
        seconds = "–" if row.seconds is None else f"{row.seconds:.2f}"
        told = html.escape(row.licences)
        if row.sources:
            listed = "".join(
                f"<li>{html.escape(each.source)}: {html.escape(each.licence)}, "
                f"{100 * each.share:.1f} %</li>"
                for each in row.sources
            )
            told = f"<details><summary>{told}</summary><ul>{listed}</ul></details>"
        lines.append([html.escape(row.name), seconds, str(row.megabytes or "–"), told])
    return table(["", "seconds", "MB", "licences of the training pictures"], lines, text=(3,))


def _failures(report: Report) -> list[str]:
    if not report.failures:
        return []
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in report.failures)
    return [f"<h2>What failed</h2><ul class='failed'>{lines}</ul>"]


def _seen(report: Report) -> list[str]:
    """Near-duplicates among the training pictures, and which methods record none."""
    known = [r for r in report.rows if r.outcome.ready is not None and r.outcome.ready.hashes]
    lines = [
        f"{html.escape(seen.photograph)} is nearly {'a mirror image of ' if seen.mirrored else ''}"
        f"a training picture of {html.escape(seen.source)}: {html.escape(row.name)} "
        f"({seen.bits} of 64 bits differ)"
        for row in known
        for seen in row.seen
    ]
    if not known:
        lines = ["No method records what it was trained on."]
    elif not lines:
        names = ", ".join(html.escape(row.name) for row in known)
        lines = [f"No photograph is near a recorded training picture of {names}."]
    items = "".join(f"<li>{line}</li>" for line in lines)
    return [f"<h2>Photographs that a method may have been trained on</h2><ul>{items}</ul>"]


def _photograph(report: Report, case: Case, out: Path) -> str:
    pixels = case.read()
    shown = [picture(pixels.image, "photograph", f"photograph {case.name}", SHOWN_SIDE)]
    shown.append(picture(grey(pixels.alpha), "true matte", f"matte of {case.name}", SHOWN_SIDE))
    for row in report.rows:
        if (caption := _caption(row, case.name)) is None:
            continue
        path = matte_path(out, row.method, case.name)
        try:
            made = grey(read_alpha(path)) if case.name in row.errors else None
        except InputError as error:
            made, caption = None, str(error)
        label = f"<b>{html.escape(row.name)}</b> {html.escape(caption)}"
        if made is None:
            shown.append(f"<figure class='failed'><figcaption>{label}</figcaption></figure>")
        else:
            alt = f"{row.name} of {case.name}"
            shown.append(picture(made, label, alt, SHOWN_SIDE))
    name = html.escape(case.name)
    return f"<section class='photograph'><h3>{name}</h3>{''.join(shown)}</section>"


def _caption(row: Row, name: str) -> str | None:
    if name in row.errors:
        found = row.errors[name]
        hair = f", hair {figure(found[HAIR])}" if HAIR in found else ""
        return f"MAD {figure(found[MAIN])}{hair}"
    return row.failures.get(name)
