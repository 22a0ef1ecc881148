"""What tells the rows of the paper's tables apart, and which of them a run belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gfm.config import GFMConfig, Pyramid, Rosta

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
    """What decides which row of the paper a run belongs to.

    Attributes:
        dataset: Whose validation photographs were matted.
        track: What it was trained on: photographs (`ori`), composites on the backgrounds of COCO or
            BG-20k, those of the RSSN route, or of one of its steps alone.
        backbone: As in `GFMConfig`, like the next six.
        rosta: Representation of semantics and transition.
        width: Factor on the channels of the decoders.
        pyramid: Where the pyramid pooling goes.
        bridge: With the bridge block.
        single_decoder: One decoder for both tasks.
        separable: The decoders' convolutions in two parts.
        reductions: d1 and d2: the glance is made at 1/d1, the focus at 1/d2 of the photograph.
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
    reductions: tuple[float, float] = (3, 2)

    @property
    def name(self) -> str:
        """The network as the paper names it, as in `GFM-TT(d) excl. PPM`."""
        single = "-SINGLE" if self.single_decoder else ""
        backbone = _BACKBONES.get(self.backbone, self.backbone)
        changes = {"all": "", "one": " w/ one PPM", "none": " excl. PPM"}[self.pyramid]
        changes += "" if self.bridge else " excl. BB"
        others = [] if self.width == 1 else [f"width {self.width:g}"]
        others += ["separable convolutions"] if self.separable else []
        if self.reductions != ((3, 3) if self.rosta == "RIM" else (3, 2)):
            others.append("d1={:g}, d2={:g}".format(*self.reductions))
        changes += f" at {', '.join(others)}" if others else ""
        return f"GFM-{self.rosta}{single}({backbone}){changes}"


def row_of(
    config: GFMConfig,
    dataset: DataSet | None,
    track: Track | None,
    strategy: str,
    d1: float,
    d2: float,
) -> Row:
    """The row of a network that was tested in one of the ways of `gfm.inference.matte`."""
    if strategy == "full":
        reductions = (1.0, 1.0)
    elif config.rosta == "RIM":
        reductions = (d1, d1)
    else:
        reductions = (d1 if strategy == "hybrid" else d2, d2)
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
        reductions,
    )
