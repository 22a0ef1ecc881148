"""Things of a regular lattice, through whose holes one looks: mesh, wicker, bars, slats."""

from __future__ import annotations

from data_tools.scenes.lattices.furniture import draw_chair, draw_crate, draw_fence
from data_tools.scenes.lattices.vessels import draw_cage, draw_cup
from data_tools.scenes.painter import Painter

FORMS = (draw_cup, draw_cup, draw_chair, draw_crate, draw_cage, draw_fence)


def draw_lattice(painter: Painter) -> None:
    """Draw a mesh cup or basket, a chair, a crate, a cage for a bird or a fence."""
    FORMS[painter.rng.integers(len(FORMS))](painter)
