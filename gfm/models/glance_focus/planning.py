"""Sizes of passes that keep within a memory limit."""

from __future__ import annotations

from collections.abc import Sequence

from gfm.models.contract import MattingModel
from gfm.models.glance_focus.options import PassOptions
from gfm.models.glance_focus.passes import (
    FOCUS,
    GLANCE,
    MAX_SIDE,
    MULTIPLE,
    VIEWS,
    Outputs,
    Size,
    hybrid_looks,
    pass_size,
    whole_outputs,
    whole_reduction,
)
from gfm.models.glance_focus.tiles import TilePlan
from gfm.models.memory import format_memory, memory_in_use
from gfm.models.options import ForegroundMethod
from gfm.models.windows import OVERLAP
from rssn.imaging.errors import InputError

# Bytes a pixel of the photograph, beside the photograph itself, after the passes: alpha, trimap,
# and the estimated colours with what is needed to estimate and to encode them.
FINISHING: dict[ForegroundMethod, int] = {
    "none": 18,
    "blur": 26,
    "multilevel": 26,
    "closed_form": 500,
}
RESERVE = 200_000_000  # bytes: compiled code and libraries that are loaded on the way

SMALLEST_GLANCE = 512  # px of the longer side; smaller ones lose the object
SMALLEST_TILE = OVERLAP + 2 * MULTIPLE
LARGEST_TILE = MAX_SIDE
CANVAS = 8  # bytes a pixel of the focus image and of what is known of it


def plan_passes(
    models: Sequence[MattingModel], height: int, width: int, options: PassOptions
) -> TilePlan | None:
    """Choose the sizes of the passes over a photograph.

    Returns:
        None where the passes of the strategy do: no limit is set, or the published sizes are not
        smaller than the wanted ones and fit. A plan for tiles otherwise.

    Raises:
        InputError: The limit is too small, with the least that works.
    """
    limit = options.memory_limit
    if limit is None:
        return None
    device = models[0].device
    on_cpu = not str(device).startswith("cuda")
    pixels = height * width
    used = memory_in_use(device) + RESERVE
    finishing = used + pixels * FINISHING[options.foreground] if on_cpu else used
    enlarged = max(view.scale for view in VIEWS[options.augmentation].focus) ** 2
    tiled = options.strategy == "hybrid" and all(m.config.rosta != "RIM" for m in models)
    if not tiled:
        whole = max(used + enlarged * _plain_bytes(models, height, width, options), finishing)
        advice = "; strategy='hybrid' needs less" if options.strategy != "hybrid" else ""
        _check(whole, limit, height, width, advice)
        return None

    focus = (max(1, round(height / options.d2)), max(1, round(width / options.d2)))
    if max(focus) <= MAX_SIDE + MULTIPLE - 1:
        plain = used + enlarged * _plain_bytes(models, height, width, options)
        if max(plain, finishing) <= limit:
            return None
    canvas = CANVAS * focus[0] * focus[1] * len(models) if on_cpu else 0
    per_tile = enlarged * _most(models, (FOCUS,))
    per_glance = enlarged * _most(models, (GLANCE, GLANCE + FOCUS))

    def glance_size(side: int) -> Size:
        scale = max(options.d1, max(height, width) / side)
        return pass_size(height, width, scale)

    def needed(glance: Size, tile: int) -> float:
        passes = max(per_glance * glance[0] * glance[1], per_tile * min(tile**2, _area(focus)))
        return max(used + canvas + passes, finishing)

    least = needed(glance_size(SMALLEST_GLANCE), SMALLEST_TILE)
    _check(least, limit, height, width)
    sides = range(MAX_SIDE, SMALLEST_GLANCE - 1, -MULTIPLE)
    side = next(s for s in sides if needed(glance_size(s), SMALLEST_TILE) <= limit)
    glance = glance_size(side)
    tiles = range(LARGEST_TILE, SMALLEST_TILE - 1, -MULTIPLE)
    return TilePlan(glance, focus, next(t for t in tiles if needed(glance, t) <= limit))


def _plain_bytes(
    models: Sequence[MattingModel], height: int, width: int, options: PassOptions
) -> float:
    """The most that a pass of the strategy allocates."""

    def of(model: MattingModel) -> float:
        parts: dict[Outputs, float]
        if options.strategy == "hybrid" and model.config.rosta != "RIM":
            glances, focuses = hybrid_looks(height, width, options)
            parts = {GLANCE: options.d1, FOCUS: options.d2}
            if set(glances) & set(focuses):
                parts[GLANCE + FOCUS] = max(options.d1, options.d2)
        else:
            rosta = model.config.rosta
            parts = {whole_outputs(rosta): whole_reduction(rosta, options)}
        return max(
            _area(pass_size(height, width, reduction, options.squeeze))
            * model.bytes_per_pixel(part)
            for part, reduction in parts.items()
        )

    return max(of(model) for model in models)


def _most(models: Sequence[MattingModel], parts: tuple[Outputs, ...]) -> float:
    return max(model.bytes_per_pixel(part) for model in models for part in parts)


def _area(size: Size) -> int:
    return size[0] * size[1]


def _check(needed: float, limit: int, height: int, width: int, advice: str = "") -> None:
    if needed > limit:
        raise InputError(
            f"max_memory={format_memory(limit)} is too little for {width}x{height} pixels with "
            f"this model; give at least {format_memory(needed)}{advice}"
        )
