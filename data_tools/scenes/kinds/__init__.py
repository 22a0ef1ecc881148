"""The kinds of object; a new one is a function that takes a `Painter` and an entry here."""

from __future__ import annotations

from collections.abc import Callable

from data_tools.scenes.kinds.blurred import draw_defocus, draw_motion
from data_tools.scenes.kinds.crystal import draw_crystal
from data_tools.scenes.kinds.fur import draw_fur
from data_tools.scenes.kinds.hair import draw_hair
from data_tools.scenes.kinds.lattice import draw_lattice
from data_tools.scenes.kinds.net import draw_net
from data_tools.scenes.kinds.plant import draw_plant
from data_tools.scenes.kinds.solid import draw_holes, draw_thin
from data_tools.scenes.kinds.translucent import draw_glass, draw_smoke
from data_tools.scenes.painter import Painter

KINDS: dict[str, Callable[[Painter], None]] = {
    "fur": draw_fur,
    "hair": draw_hair,
    "motion": draw_motion,
    "defocus": draw_defocus,
    "net": draw_net,
    "smoke": draw_smoke,
    "glass": draw_glass,
    "holes": draw_holes,
    "thin": draw_thin,
    "plant": draw_plant,
    "lattice": draw_lattice,
    "crystal": draw_crystal,
}

# Drawn where no kind is named. Every picture of a seed depends on them: raise `VERSION` in
# folder.py when they change.
DEFAULT_KINDS = ("fur", "hair", "motion", "defocus", "net", "smoke", "glass", "holes", "thin")
