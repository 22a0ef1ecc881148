"""Published figures of matting by trimaps, by data set and convention.

All are errors in the unknown region, in the units of `gfm.metrics.evaluate`. Sources: FBA matting,
tables 2 to 4; LSA matting, its tables on Composition-1k and section 4.3; AdaMatting, tables 1 to 3.
Where two tables of a paper differ, the one with more digits counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from gfm.metrics import Convention

Figures = Mapping[str, float]

_DIM = ("sad_transition", "mse_transition", "grad_transition", "conn_transition")
_LSA = ("sad", "mse", "grad", "conn")
_COLOURS = ("sad_alpha_f", "mse_alpha_f")


def _row(names: tuple[str, ...], *figures: float | None) -> dict[str, float]:
    return {n: f for n, f in zip(names, figures, strict=True) if f is not None}


def _dim(*figures: float | None) -> dict[str, float]:
    return _row(_DIM, *figures)


def _lsa(*figures: float) -> dict[str, float]:
    return _row(_LSA, *figures)


PUBLISHED: dict[tuple[str, Convention], dict[str, Figures]] = {
    ("composition-1k", "dim"): {
        "closed form": _dim(168.1, 0.091, 126.9, 167.9) | _row(_COLOURS, 251.67, 0.02296),
        "KNN": _dim(175.4, 0.103, 124.1, 176.4),
        "Information-flow": _dim(75.4, 0.066, 63.0, None),
        "Deep Image Matting": _dim(50.4, 0.014, 31.0, 50.8),
        "IndexNet": _dim(45.8, 0.013, 25.9, 43.7),
        "AdaMatting": _dim(41.7, 0.0102, 16.89, None),
        "AdaMatting, without propagation": _dim(44.1, 0.0114, 17.93, None),
        "AdaMatting, two networks": _dim(46.36, 0.0129, 23.97, None),
        "Context-Aware": _dim(35.8, 0.0082, 17.3, 33.2) | _row(_COLOURS, 70.00, 0.01149),
        "GCA": _dim(35.3, 0.0091, 16.9, 32.5),
        "FBA, alpha alone": _dim(26.5, 0.0053, 10.6, 21.8),
        "FBA": _dim(26.4, 0.0054, 10.6, 21.5) | _row(_COLOURS, 39.21, 0.00619),
        "FBA, with augmentation": _dim(25.8, 0.0052, 10.6, 20.8) | _row(_COLOURS, 38.81, 0.00598),
    },
    ("composition-1k", "lsa"): {
        "LSA, 320 px": _lsa(32.4, 0.0074, 11.6, 29.6),
        "LSA, 480 px": _lsa(30.0, 0.0067, 10.3, 26.6),
        "LSA, 640 px": _lsa(29.0, 0.0062, 10.3, 25.4),
        "LSA, 640 px, closed-form F": _lsa(28.9, 0.0058, 10.2, 25.4),
        "LSA, refined F and colours": _lsa(25.9, 0.0054, 9.25, 21.5),
        "LSA, with augmentation": _lsa(24.6, 0.0045, 8.13, 19.9),
    },
    ("alphamatting", "lsa"): {
        "LSA": _lsa(2.90, 0.00540, 2.47, 2.45),
        "LSA, backpropagated": _lsa(2.87, 0.00532, 2.43, 2.42),
    },
}


def table_beside(
    means: Mapping[str, Figures], data: str | None, convention: Convention
) -> Table | None:
    """Means beside the published rows of a data set; None where nothing was published.

    Args:
        means: Ours, by the name of their row.
        data: The data set, as `data_tools prepare` calls it.
        convention: Of the means.
    """
    rows = PUBLISHED.get((data or "", convention))
    if rows is None:
        return None
    published = {name for row in rows.values() for name in row}
    names = [name for name in (*_DIM, *_LSA, *_COLOURS) if name in published]
    table = Table(title=f"{data}, unknown region, convention {convention}")
    table.add_column("")
    for name in names:
        table.add_column(name.removesuffix("_transition"), justify="right")
    for name, row in {**means, **rows}.items():
        cells = (f"{row[metric]:.4g}" if metric in row else "" for metric in names)
        table.add_row(Text(name), *cells, end_section=name == [*means][-1])
    return table
