"""The results that the paper printed for GFM, as data (tables 1, 4, 5 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gfm.models.glance_focus.config import GFMConfig, Rosta
from gfm.tracking.rows import DataSet, Row, Track

# The columns of table 1; tables 4, 5 and 6 have the first five alone.
METRICS = ("sad", "mse", "mad", "grad", "conn", "sad_transition", "sad_fg", "sad_bg")


@dataclass(frozen=True)
class Published:
    """One printed row: `figures` in the order of `METRICS`, SAD, Grad and Conn in thousands."""

    table: int
    row: Row
    figures: tuple[float, ...]

    @property
    def metrics(self) -> dict[str, float]:
        """The figures by the names of `METRICS`."""
        return dict(zip(METRICS, self.figures, strict=False))


def published(row: Row) -> Published | None:
    """Return the paper's figures for a row, or None; table 1 counts for a row of several tables."""
    return next((entry for entry in PUBLISHED if entry.row == row), None)


def _table_1(
    dataset: DataSet, track: Track, *lines: tuple[str, Rosta, tuple[float, ...]]
) -> tuple[Published, ...]:
    return tuple(
        Published(1, Row(dataset, track, GFMConfig(backbone, rosta)), figures)
        for backbone, rosta, figures in lines
    )


def _table_4(track: Track, backbone: str, *figures: float, **changes: Any) -> Published:  # noqa: ANN401
    return Published(4, Row("AM-2k", track, GFMConfig(backbone, **changes)), figures)


def _table_5(rosta: Rosta, *figures: float) -> Published:
    """Row of table 5, where every network is tested at 1/3."""
    return Published(5, Row("AM-2k", "ori", GFMConfig("d121", rosta), (3, 3)), figures)


def _median(backbone: str, *figures: float) -> Published:
    """EN-median of table 5."""
    config = GFMConfig(backbone, "BT")
    name = Row(None, None, config).network
    names = tuple(name.replace("BT", rosta) for rosta in ("BT", "FT", "TT"))
    return Published(5, Row("AM-2k", "ori", config, (3, 3), names), figures)


def _table_6(d1: float, d2: float, *figures: float) -> Published:
    return Published(6, Row("AM-2k", "ori", GFMConfig("d121"), (d1, d2)), figures)


PUBLISHED: tuple[Published, ...] = (
    *_table_1(
        "AM-2k",
        "ori",
        ("d121", "TT", (10.26, 0.0029, 0.0059, 8.82, 9.57, 8.24, 0.42, 1.59)),
        ("d121", "FT", (12.74, 0.0038, 0.0075, 9.98, 11.78, 9.66, 1.47, 1.61)),
        ("d121", "BT", (12.74, 0.003, 0.0075, 9.13, 10.07, 8.67, 3.07, 1.0)),
        ("r34", "TT", (10.89, 0.0029, 0.0064, 10.0, 9.99, 9.15, 0.77, 0.96)),
        ("r34", "FT", (12.58, 0.0037, 0.0073, 10.33, 11.65, 9.34, 1.31, 1.93)),
        ("r34", "BT", (12.61, 0.0028, 0.0074, 9.27, 9.77, 8.77, 2.84, 1.0)),
        ("r101", "TT", (9.66, 0.0024, 0.0056, 9.37, 8.98, 8.55, 0.53, 0.58)),
        ("r101", "FT", (11.54, 0.0032, 0.0067, 10.32, 10.89, 8.92, 0.92, 1.7)),
        ("r101", "BT", (12.8, 0.0036, 0.0075, 19.25, 12.06, 9.97, 0.93, 1.9)),
    ),
    *_table_1(
        "AM-2k",
        "coco",
        ("d121", "TT", (46.16, 0.0223, 0.0273, 20.75, 45.39, 17.1, 8.71, 20.36)),
        ("r34", "TT", (30.05, 0.0129, 0.0176, 17.22, 29.19, 15.21, 4.74, 10.1)),
        ("r101", "TT", (33.79, 0.0149, 0.0192, 16.63, 32.92, 14.09, 5.36, 14.35)),
    ),
    *_table_1(
        "AM-2k",
        "bg20k",
        ("d121", "TT", (25.19, 0.0104, 0.0146, 15.04, 24.31, 13.35, 3.79, 8.05)),
        ("r34", "TT", (16.44, 0.0053, 0.0096, 14.64, 15.57, 12.36, 1.46, 2.62)),
        ("r101", "TT", (15.88, 0.0048, 0.0093, 15.98, 15.17, 12.09, 1.38, 2.41)),
    ),
    *_table_1(
        "AM-2k",
        "rssn",
        ("d121", "TT", (19.19, 0.0069, 0.0112, 13.37, 18.31, 12.1, 4.37, 2.72)),
        ("d121", "FT", (20.07, 0.0072, 0.0118, 12.53, 19.08, 12.12, 3.47, 4.48)),
        ("d121", "BT", (22.82, 0.0078, 0.0133, 12.49, 19.96, 12.06, 5.2, 5.56)),
        ("r34", "TT", (15.88, 0.0049, 0.0092, 14.04, 15.02, 12.03, 1.15, 2.71)),
        ("r101", "TT", (14.78, 0.0046, 0.0086, 12.47, 14.1, 11.2, 2.11, 1.47)),
    ),
    *_table_1(
        "PM-10k",
        "ori",
        ("d121", "TT", (11.89, 0.0041, 0.0069, 12.9, 11.24, 7.8, 1.65, 2.44)),
        ("d121", "FT", (12.76, 0.0044, 0.0074, 12.61, 12.15, 7.81, 0.69, 4.26)),
        ("d121", "BT", (13.45, 0.0039, 0.0078, 13.22, 11.37, 7.8, 3.98, 1.67)),
        ("r34", "TT", (11.52, 0.0038, 0.0067, 13.07, 10.83, 8.0, 0.97, 2.54)),
        ("r34", "FT", (12.1, 0.0037, 0.007, 14.68, 11.38, 8.82, 0.93, 2.35)),
        ("r34", "BT", (13.34, 0.0036, 0.0078, 13.09, 10.54, 8.02, 3.88, 1.44)),
        ("r101", "TT", (10.14, 0.0031, 0.0059, 12.88, 9.64, 7.7, 0.71, 1.73)),
        ("r101", "FT", (12.36, 0.0039, 0.0072, 21.19, 11.89, 8.37, 2.28, 1.71)),
        ("r101", "BT", (12.76, 0.0039, 0.0074, 25.13, 12.17, 8.83, 0.91, 3.02)),
    ),
    *_table_1(
        "PM-10k",
        "coco",
        ("d121", "TT", (61.69, 0.0309, 0.0355, 32.0, 61.26, 17.69, 17.42, 26.59)),
        ("r34", "TT", (34.58, 0.0165, 0.0198, 18.73, 33.96, 11.21, 13.99, 9.37)),
        ("r101", "TT", (33.9, 0.0157, 0.0196, 25.26, 33.54, 12.95, 8.18, 12.77)),
    ),
    *_table_1(
        "PM-10k",
        "bg20k",
        ("d121", "TT", (21.54, 0.0088, 0.0125, 19.21, 20.97, 11.82, 5.31, 4.41)),
        ("r34", "TT", (20.29, 0.0086, 0.0118, 16.85, 19.67, 10.26, 7.56, 2.46)),
        ("r101", "TT", (18.11, 0.007, 0.0106, 17.01, 17.32, 10.16, 2.59, 5.35)),
    ),
    *_table_1(
        "PM-10k",
        "rssn",
        ("d121", "TT", (18.15, 0.0071, 0.0106, 18.12, 17.57, 10.78, 2.66, 4.7)),
        ("d121", "FT", (19.68, 0.0078, 0.0114, 17.5, 19.25, 10.61, 3.58, 5.48)),
        ("d121", "BT", (21.8, 0.0075, 0.0126, 16.97, 19.09, 10.38, 5.74, 5.68)),
        ("r34", "TT", (13.84, 0.0049, 0.008, 14.44, 13.15, 9.0, 1.32, 3.52)),
        ("r101", "TT", (12.51, 0.0042, 0.0072, 14.62, 12.0, 8.64, 1.83, 2.05)),
    ),
    _table_4("ori", "r34_2b", 10.24, 0.0028, 0.0060, 8.65, 9.33),
    _table_4("ori", "d121", 13.79, 0.0040, 0.0081, 13.45, 13.04, single_decoder=True),
    _table_4("ori", "r34", 15.50, 0.0040, 0.0091, 14.21, 13.15, single_decoder=True),
    _table_4("ori", "d121", 10.71, 0.0029, 0.0063, 10.23, 9.88, pyramid="one"),
    _table_4("ori", "d121", 10.86, 0.0030, 0.0064, 9.91, 9.92, pyramid="none"),
    _table_4("ori", "d121", 11.27, 0.0035, 0.0067, 9.33, 10.40, bridge=False),
    _table_4("ori", "r34", 11.90, 0.0035, 0.0070, 10.50, 11.07, pyramid="none"),
    _table_4("ori", "r34", 11.29, 0.0032, 0.0066, 9.59, 10.43, bridge=False),
    _table_4("blur", "d121", 21.37, 0.0081, 0.0124, 14.31, 20.50),
    _table_4("denoise", "d121", 22.95, 0.0090, 0.0134, 14.37, 22.10),
    _table_4("noise", "d121", 19.87, 0.0075, 0.0116, 13.22, 18.97),
    # The paper does not name the backbone of table 5; its TT is that of table 6.
    _table_5("TT", 11.28, 0.0030, 0.0065, 10.89, 10.63),
    _table_5("BT", 11.76, 0.0033, 0.0070, 11.56, 11.15),
    _table_5("FT", 12.26, 0.0034, 0.0072, 12.52, 11.68),
    _median("d121", 10.62, 0.0026, 0.0062, 11.19, 9.85),
    _table_5("RIM", 10.79, 0.0025, 0.0063, 11.61, 10.11),
    _table_6(2, 2, 12.26, 0.0041, 0.0072, 9.18, 11.59),
    _table_6(2.2, 2.2, 11.49, 0.0036, 0.0067, 9.22, 10.81),
    _table_6(2.4, 2.4, 11.66, 0.0036, 0.0068, 9.34, 10.99),
    _table_6(2.6, 2.6, 10.77, 0.0029, 0.0062, 9.93, 10.10),
    _table_6(2.8, 2.8, 10.96, 0.0030, 0.0064, 10.06, 10.28),
    _table_6(4, 4, 15.99, 0.0054, 0.0095, 14.75, 15.35),
    _table_6(4, 2, 12.96, 0.0046, 0.0077, 9.58, 12.27),
    _table_6(4, 3, 13.97, 0.0048, 0.0083, 11.61, 13.32),
)
