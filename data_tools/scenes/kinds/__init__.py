"""The kinds of object; a new one is a function that takes a `Painter`, and an entry here."""

from __future__ import annotations

from collections.abc import Callable

from data_tools.scenes.kinds.blurred import MOVING, draw_defocus
from data_tools.scenes.kinds.crystal import draw_crystal
from data_tools.scenes.kinds.fur import draw_fur
from data_tools.scenes.kinds.hair import draw_hair
from data_tools.scenes.kinds.net import NETS
from data_tools.scenes.kinds.plant import PLANTS
from data_tools.scenes.kinds.solid import HOLES, THIN
from data_tools.scenes.kinds.translucent import draw_glass, draw_smoke
from data_tools.scenes.lattices.forms import FORMS
from data_tools.scenes.painter import Painter

# One of a kind's forms is drawn, each with the same probability.
KINDS: dict[str, tuple[Callable[[Painter], None], ...]] = {
    "fur": (draw_fur,),
    "hair": (draw_hair,),
    "motion": MOVING,
    "defocus": (draw_defocus,),
    "net": NETS,
    "smoke": (draw_smoke,),
    "glass": (draw_glass,),
    "holes": HOLES,
    "thin": THIN,
    "plant": PLANTS,
    "lattice": FORMS,
    "crystal": (draw_crystal,),
}

# Drawn where no kind is named. Every picture of a seed depends on them: raise `VERSION` in
# folder.py when they change.
DEFAULT_KINDS = ("fur", "hair", "motion", "defocus", "net", "smoke", "glass", "holes", "thin")
