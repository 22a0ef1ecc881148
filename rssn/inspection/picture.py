"""Draw one foreground through every step: `python -m rssn.picture --foregrounds DIR ...`.

After figure 3 of the paper, which shows the purpose of each step of a composition.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from rssn.build.builder import route_options
from rssn.build.sources import LAYOUTS, SourcePixels, find_sources, read_source, shrink
from rssn.denoising.denoise import denoise
from rssn.foreground.estimate import estimate_foreground
from rssn.imaging.blending import blend
from rssn.imaging.console import progress, run_command
from rssn.imaging.drawing import frame, grey, paste, tiles
from rssn.imaging.errors import InputError
from rssn.imaging.files import write_whole
from rssn.imaging.images import Alpha, Uint8Image, image_files
from rssn.imaging.reading import read_rgb
from rssn.imaging.resizing import resize
from rssn.imaging.writing import encode_rgb
from rssn.route.backgrounds import cover_crop
from rssn.route.compose import ROUTES, RouteOptions
from rssn.route.noise import add_noise
from rssn.route.sharpness import blur, scaled_size
from rssn.route.steps import apply_steps

COLUMNS = 3
_INSET_SHARE, _INSET_ZOOM = 0.14, 3  # of the shorter side, and its magnification
_ACCENT = (255, 200, 40)

Panel = tuple[str, Uint8Image]


def route_panels(
    source: SourcePixels,
    background: Uint8Image,
    options: RouteOptions,
    rng: np.random.Generator,
    is_photograph: bool = True,
) -> Iterator[Panel]:
    """Apply every step of a route to one foreground, whatever its probability.

    The middle one of the route's blur sizes is taken. Yields a name and an uint8 picture (H, W, 3)
    of the size of the foreground per step.
    """
    image, alpha = source.image, source.alpha
    height, width = alpha.shape
    position = (rng.random(), rng.random())
    yield "photograph" if is_photograph else "cut-out", image
    yield "alpha", grey(alpha)
    yield "background", cover_crop(background, height, width, position)
    foreground = estimate_foreground(image, alpha) if is_photograph else image
    yield "foreground, estimated" if is_photograph else "foreground", foreground
    foreground = denoise(foreground, options.denoise_sigma, options.denoise_backend)
    yield "foreground, denoised", foreground
    background = denoise(background, options.denoise_sigma, options.denoise_backend)
    background = cover_crop(background, height, width, position)
    yield "background, denoised", background
    middle = sorted(options.blur_sizes)[len(options.blur_sizes) // 2]
    window = scaled_size(middle, min(height, width), options.blur_reference)
    background = blur(background, window)
    yield f"background, blurred over {window} px", background
    for name, step in options.more_steps.items():
        before, always = (foreground, background), {name: {**step, "probability": 1}}
        foreground, background, _ = apply_steps(*(foreground, alpha, background), always, rng)
        if foreground is not before[0]:
            yield f"foreground, {name}", foreground
        if background is not before[1]:
            yield f"background, {name}", background
    composite = blend(alpha, foreground, background)
    yield "blended", composite
    (noisy,) = add_noise([composite], options.noise_sigma, rng)
    yield f"with noise of sigma {options.noise_sigma:g}", noisy


def draw_panels(panels: Sequence[Panel], alpha: Alpha, width: int = 320) -> Uint8Image:
    """Put panels side by side, each with a magnified part where the matte is finest."""
    height = round(alpha.shape[0] * width / alpha.shape[1])
    part = finest_part(alpha, max(8, round(_INSET_SHARE * min(alpha.shape))))
    drawn = [
        (_with_inset(picture, part, height, width), f"({letter}) {name}")
        for letter, (name, picture) in zip("abcdefghijklmnopqrstuvwxyz", panels, strict=False)
    ]
    return tiles(drawn, COLUMNS, height, width)


def finest_part(alpha: Alpha, side: int) -> tuple[int, int, int]:
    """Square (top, left, side) of a matte (H, W) that holds most of its fine structure."""
    fine = cv2.boxFilter(alpha * (1 - alpha), -1, (side, side), normalize=False, anchor=(0, 0))
    inside = fine[: alpha.shape[0] - side + 1, : alpha.shape[1] - side + 1]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left), side


def _with_inset(
    picture: Uint8Image, part: tuple[int, int, int], height: int, width: int
) -> Uint8Image:
    """A panel with the part framed, and magnified in the farthest corner."""
    top, left, side = part
    scale = width / picture.shape[1]
    panel = resize(picture, (height, width), enlarge="area").copy()
    size = min(round(side * scale * _INSET_ZOOM), height // 2, width // 2)
    # Nearest neighbour shows the pixels themselves.
    detail = picture[top : top + side, left : left + side]
    detail = resize(detail, (size, size), "nearest", "nearest")
    is_high = (top + side / 2) * 2 < picture.shape[0]
    is_left = (left + side / 2) * 2 < picture.shape[1]
    corner = (height - size if is_high else 0, width - size if is_left else 0)
    paste(panel, detail, *corner)
    frame(panel, (*corner, size, size), _ACCENT, 2)
    frame(panel, [round(value * scale) for value in (top, left, side, side)], _ACCENT)
    return panel


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rssn.picture",
        description="Draw one foreground through every step of the composition.",
    )
    add = parser.add_argument
    add("--foregrounds", type=Path, required=True, metavar="DIR", help=LAYOUTS)
    add("--backgrounds", type=Path, required=True, metavar="DIR", help="pictures")
    add("--out", type=Path, required=True, metavar="OUT.jpg")
    add("--route", help=f"{', '.join(ROUTES)}, or a YAML file (rssn, blurred as for 1080 px)")
    add("--id", metavar="NAME", help="of the foreground, without suffix (the first)")
    add("--background", metavar="FILE", help="name of the background (the first)")
    add("--seed", type=int, default=0, help="of the crop and the noise")
    add("--width", type=int, default=320, metavar="PX", help="of each of the panels (320)")
    add("--quiet", action="store_true", help="no progress bar")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 done, 2 usage."""
    chosen = parser().parse_args(arguments)

    def command() -> None:
        if chosen.seed < 0 or chosen.width < 64:
            raise InputError("--seed has to be 0 or more, --width 64 px or more")
        sources = {source.id: source for source in find_sources(chosen.foregrounds)[0]}
        files = {path.name: path for path in image_files(chosen.backgrounds)}
        source = sources[_named(chosen.id, sources, "--id")]
        file = files[_named(chosen.background, files, "--background")]
        # The paper's windows are meant for images of 1080 px; drawn scenes are smaller.
        default = RouteOptions(blur_reference=1080)
        options = default if chosen.route is None else route_options(chosen.route)
        pixels = read_source(source, options.shorter_side)
        background = shrink(read_rgb(file), options.shorter_side)
        rng = np.random.default_rng(chosen.seed)
        made = route_panels(pixels, background, options, rng, source.is_photograph)
        panels = list(progress(made, "Draw", quiet=chosen.quiet))
        write_whole(chosen.out, encode_rgb(draw_panels(panels, pixels.alpha, chosen.width)))

    return run_command(command)


def _named(name: str | None, there: Iterable[str], option: str) -> str:
    names = list(there)
    if not names or (name is not None and name not in names):
        raise InputError(f"{option} {name}: does not exist; choose from {', '.join(names[:20])}")
    return names[0] if name is None else name
