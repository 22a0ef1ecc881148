"""Rows of the paper's tables, and the assignment of runs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gfm.models.glance_focus.config import GFMConfig
from gfm.models.glance_focus.options import reductions

DataSet = Literal["AM-2k", "PM-10k"]
Track = Literal["ori", "coco", "bg20k", "rssn", "blur", "denoise", "noise"]

TRACKS: dict[Track, str] = {
    "ori": "ORI",
    "coco": "COMP-COCO",
    "bg20k": "COMP-BG20K",
    "rssn": "COMP-RSSN",
    "blur": "COMP-RSSN, blur alone",
    "denoise": "COMP-RSSN, denoising alone",
    "noise": "COMP-RSSN, noise alone",
}
_BACKBONES = {"d121": "d", "r34": "r", "r34_2b": "r2b", "r101": "r†"}


@dataclass(frozen=True)
class Row:
    """Properties of a run that decide its row in the paper's tables.

    Attributes:
        dataset: Whose validation photographs were matted.
        track: What it was trained on: photographs (`ori`), composites on the backgrounds of COCO or
            BG-20k, those of the RSSN route, or of one of its steps alone.
        config: Layers of the network.
        reductions: d1 and d2: the glance is made at 1/d1, the focus at 1/d2 of the photograph; None
            where the model asks for a side in px.
        median_of: Names of the networks whose mattes the median is taken of, sorted; `config` is
            that of the first. Empty for a single network.
    """

    dataset: DataSet | None
    track: Track | None
    config: GFMConfig
    reductions: tuple[float | None, float | None] = (3, 2)
    median_of: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The network as the paper names it, as in `GFM-TT(d) excl. PPM`."""
        name = f"EN-median of {', '.join(self.median_of)}" if self.median_of else self.network
        usual = (3, 3) if self.config.rosta == "RIM" else (3, 2)
        if self.reductions == usual:
            return name
        joined = "," if " at " in name else " at"
        d1, d2 = ("by the model" if each is None else f"{each:g}" for each in self.reductions)
        return f"{name}{joined} d1={d1}, d2={d2}"

    @property
    def network(self) -> str:
        """The name without the way of the test."""
        config = self.config
        single = "-SINGLE" if config.single_decoder else ""
        backbone = _BACKBONES.get(config.backbone, config.backbone)
        changes = {"all": "", "one": " w/ one PPM", "none": " excl. PPM"}[config.pyramid]
        changes += "" if config.bridge else " excl. BB"
        others = [] if config.width == 1 else [f"width {config.width:g}"]
        others += ["separable convolutions"] if config.separable else []
        others += ["summed pyramid"] if config.pyramid_join == "sum" else []
        changes += f" at {', '.join(others)}" if others else ""
        return f"GFM-{config.rosta}{single}({backbone}){changes}"


def row_of(
    config: GFMConfig,
    dataset: DataSet | None,
    track: Track | None,
    strategy: str,
    d1: float | None,
    d2: float | None,
    ensemble: Sequence[GFMConfig] = (),
) -> Row:
    """The row of a network that was tested in one of the ways of `gfm.inference.matte`.

    Args:
        config: Of the network.
        dataset: As in `Row`.
        track: As in `Row`, for all networks.
        strategy: Of the test, with the next two: see `gfm.inference.matte`.
        d1: Reduction for the glance, as given.
        d2: Reduction for the focus, as given.
        ensemble: Further networks, of whose mattes the median was tested.
    """
    if ensemble:
        single = [row_of(each, dataset, track, strategy, d1, d2) for each in (config, *ensemble)]
        single.sort(key=lambda row: row.network)
        return replace(single[0], median_of=tuple(row.network for row in single))
    d1, d2 = reductions(config, d1, d2)
    if strategy == "full":
        tested: tuple[float | None, float | None] = (1, 1)
    elif config.rosta == "RIM":
        tested = (d1, d1)
    else:
        tested = (d1 if strategy == "hybrid" else d2, d2)
    return Row(dataset, track, config.layers(), tested)
