"""The matting systems, by name; each is loaded when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from rssn.imaging.errors import check_choice

if TYPE_CHECKING:
    from gfm.models.contract import System

# Name -> module that holds the system as `SYSTEM`.
SYSTEMS = {
    "glance_focus": "gfm.models.glance_focus.system",
    "adamatting": "gfm.models.adamatting.system",
    "guided": "gfm.models.guided.system",
    "fba": "gfm.models.fba.system",
    "lsa": "gfm.models.lsa.system",
    "clicks": "gfm.models.clicks.system",
    "light_clicks": "gfm.models.light_clicks.system",
    "imatting": "gfm.models.imatting.system",
}
DEFAULT = "glance_focus"
DEFAULT_TASK = "gfm.models.glance_focus.task.GFMTask"  # of `gfm fit` without a class_path


def get_system(name: str) -> System:
    """The system of that name.

    Raises:
        InputError: There is none.
    """
    check_choice("system", name, tuple(SYSTEMS))
    system: System = importlib.import_module(SYSTEMS[name]).SYSTEM
    return system
