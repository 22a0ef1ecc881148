"""Rows of the paper's tables, and the assignment of runs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gfm.models.glance_focus.config import GFMConfig, Pyramid, PyramidJoin, Rosta
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
        backbone: As in `GFMConfig`, like the next seven.
        rosta: Representation of semantics and transition.
        width: Factor on the channels of the decoders.
        pyramid: Where the pyramid pooling goes.
        bridge: With the bridge block.
        single_decoder: One decoder for both tasks.
        separable: The decoders' convolutions in two parts.
        pyramid_join: How the pyramid's features join those of a glance block.
        reductions: d1 and d2: the glance is made at 1/d1, the focus at 1/d2 of the photograph; None
            where the model asks for a side in px.
        median_of: Names of the networks whose mattes the median is taken of, sorted; the fields
            above are those of the first. Empty for a single network.
    """

    dataset: DataSet | None
    track: Track | None
    backbone: str
    rosta: Rosta
    width: float = 1.0
    pyramid: Pyramid = "all"
    bridge: bool = True
    single_decoder: bool = False
    separable: bool = False
    pyramid_join: PyramidJoin = "concatenate"
    reductions: tuple[float | None, float | None] = (3, 2)
    median_of: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The network as the paper names it, as in `GFM-TT(d) excl. PPM`."""
        name = f"EN-median of {', '.join(self.median_of)}" if self.median_of else self.network
        usual = (3, 3) if self.rosta == "RIM" else (3, 2)
        if self.reductions == usual:
            return name
        joined = "," if " at " in name else " at"
        d1, d2 = ("by the model" if each is None else f"{each:g}" for each in self.reductions)
        return f"{name}{joined} d1={d1}, d2={d2}"

    @property
    def network(self) -> str:
        """The name without the way of the test."""
        single = "-SINGLE" if self.single_decoder else ""
        backbone = _BACKBONES.get(self.backbone, self.backbone)
        changes = {"all": "", "one": " w/ one PPM", "none": " excl. PPM"}[self.pyramid]
        changes += "" if self.bridge else " excl. BB"
        others = [] if self.width == 1 else [f"width {self.width:g}"]
        others += ["separable convolutions"] if self.separable else []
        others += ["summed pyramid"] if self.pyramid_join == "sum" else []
        changes += f" at {', '.join(others)}" if others else ""
        return f"GFM-{self.rosta}{single}({backbone}){changes}"


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
    return Row(
        dataset,
        track,
        config.backbone,
        config.rosta,
        config.width,
        config.pyramid,
        config.bridge,
        config.single_decoder,
        config.separable,
        config.pyramid_join,
        tested,
    )
