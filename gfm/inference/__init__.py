"""From photographs to their mattes."""

from gfm.inference.matting import matte, matte_batch, predict, with_colours
from gfm.inference.options import (
    Augmentation,
    ForegroundMethod,
    MatteOptions,
    Refinement,
    Strategy,
)
from gfm.inference.passes import enlarge, pass_size, shrink
from gfm.inference.pictures import as_photograph

__all__ = [
    "Augmentation",
    "ForegroundMethod",
    "MatteOptions",
    "Refinement",
    "Strategy",
    "as_photograph",
    "enlarge",
    "matte",
    "matte_batch",
    "pass_size",
    "predict",
    "shrink",
    "with_colours",
]
