"""The public data sets as they are downloaded: one declarative entry each."""

from data_tools.layouts.backgrounds import BG_20K, COCO
from data_tools.layouts.clicks import BERKELEY, COMPOSITION_100, DAVIS, GRABCUT, SBD
from data_tools.layouts.description import Folders, Kind, Layout, Split
from data_tools.layouts.foregrounds import ADOBE_DIM, DISTINCTIONS_646
from data_tools.layouts.photographs import (
    AIM_500,
    ALPHAMATTING,
    AM_2K,
    COMPOSITION_1K,
    DAPM,
    P3M_10K,
    PM_10K,
    PPM_100,
)
from rssn.imaging.errors import InputError

__all__ = ["LAYOUTS", "Folders", "Kind", "Layout", "Split", "find_layout"]

LAYOUTS = {
    layout.name: layout
    for layout in (
        *(AM_2K, PM_10K, P3M_10K, AIM_500, PPM_100, DAPM, ALPHAMATTING, COMPOSITION_1K),
        *(ADOBE_DIM, DISTINCTIONS_646),
        *(BG_20K, COCO),
        *(GRABCUT, BERKELEY, SBD, DAVIS, COMPOSITION_100),
    )
}


def find_layout(name: str) -> Layout:
    """The layout of that name, in any case of its letters.

    Raises:
        InputError: There is none.
    """
    try:
        return LAYOUTS[name.lower()]
    except KeyError:
        raise InputError(
            f"layout='{name}' is not known; choose from {', '.join(LAYOUTS)}"
        ) from None
