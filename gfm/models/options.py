"""Options of matting, checked once for all ways in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gfm.models.memory import parse_memory
from rssn.imaging.errors import InputError, check_choice

Strategy = Literal["hybrid", "resize", "full"]
ForegroundMethod = Literal["blur", "multilevel", "closed_form", "none"]
Augmentation = Literal["none", "glance", "flip", "full"]
REFINEMENTS = ("auto", "none", "fusion")


@dataclass(frozen=True)
class MatteOptions:
    """Options of matting one photograph.

    Attributes:
        strategy: `hybrid` takes the glance from the image at 1/d1 and the focus at 1/d2 and fuses
            them at full size; `resize` is one pass at 1/d2; `full` one at full size. An integrating
            (RIM) network always makes one pass, at 1/d1 unless the strategy is `full`. None is
            `hybrid`. This and the reductions are for GFM alone.
        d1: Reduction for the glance, 1 or more; None is what the model asks for (`glance_side` of
            its configuration), or the paper's 3.
        d2: Reduction for the focus, likewise (`focus_side`); the paper's is 2.
        foreground: How colours behind the soft edges are estimated: `blur`, or `multilevel` and
            `closed_form`, which need the extra `compose`; `none` keeps the image's, which shows the
            old background around hair. None takes those that the system predicts, and `blur` where
            it predicts none.
        refine: `auto` has the packaged guided model refine the matte of an automatic model that
            asks for it, near its edges, at the photograph's own size; `none` leaves the matte as it
            is; `fusion` lets image, matte and colours correct each other once more. Anything else
            is the file of a model that takes trimaps, or its name, to refine with.
        augmentation: What else the network sees, to average over: nothing, the mirror image
            (`flip`, twice the time), or both also at 0.8 and 1.25 of the size (`full`, six times).
            `guided` takes the mirror image and the photograph turned by a quarter (`full`, three
            times). `glance` leaves the focus of the hybrid strategy alone and takes the glance in
            both ways at 1, 7/8 and 3/4 of its size. None is `flip` for a GFM that asks for a size
            of its glance, as the packaged one does, else `none`.
        max_memory: Most bytes that the process may hold, or text such as `4GB`. With a limit, the
            hybrid strategy keeps to 1/d2 however large the image is: where the glance sees
            transition, the focus is taken in overlapping tiles that fit the limit.
        backpropagate: Gradient steps that fit the matte to the known regions of its trimap (LSA
            matting, section 4.3; the paper takes 100). A step takes about as long as a pass of the
            network, and the process holds half as much again.
    """

    strategy: Strategy | None = None
    d1: float | None = None
    d2: float | None = None
    foreground: ForegroundMethod | None = None
    refine: str = "auto"
    augmentation: Augmentation | None = None
    max_memory: str | int | None = None
    backpropagate: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not supported, with those that are.
        """
        if self.refine == "fba":
            raise InputError("refine='fba' is called 'fusion' now; give refine='fusion'")
        for name, kind in (
            ("strategy", Strategy),
            ("foreground", ForegroundMethod),
            ("augmentation", Augmentation),
        ):
            value = getattr(self, name)
            if value is not None:
                check_choice(name, value, get_args(kind))
        for name in ("d1", "d2"):
            value = getattr(self, name)
            if value is None:
                continue
            if not 1 <= value < float("inf"):
                raise InputError(
                    f"{name}={value}: a reduction is 1 or more; the paper has d1=3, d2=2"
                )
        if self.refine == "fusion" and self.foreground == "none":
            raise InputError(
                "refine='fusion' corrects estimated colours; choose foreground='blur', "
                "'multilevel' or 'closed_form' with it"
            )
        if isinstance(self.backpropagate, bool) or self.backpropagate not in range(10_000):
            raise InputError(
                f"backpropagate={self.backpropagate!r}: give a number of steps, 0 for none; the "
                "paper takes 100"
            )
        parse_memory(self.max_memory)

    @property
    def memory_limit(self) -> int | None:
        """The limit in bytes."""
        return parse_memory(self.max_memory)
