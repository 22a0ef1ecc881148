"""Draw a photograph that is corrected click by click, as an animation for the README."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

import gfm
from gfm.inference.cutout import Matte
from rssn.imaging.console import run_command
from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file
from rssn.imaging.photographs import as_photograph
from rssn.imaging.resizing import resize

VEIL = np.array([11, 18, 32], np.float32)
FAR = 0.72  # how much what is cut away is darkened, as on the page
CHECK = 8  # px
COLOURS = {True: (18, 161, 80), False: (229, 72, 77)}
SMOOTH = 4  # marks are drawn at this size, and shrunk
STEPS, STEP = 8, 45  # frames of a move of the pointer, and their ms
HOLD, PRESS, LAST = 900, 140, 2200  # ms

Picture = NDArray[np.uint8]
Point = tuple[float, float]


@dataclass
class Animation:
    """Frames and their durations.

    Attributes:
        photograph: As it is shown, (h, w, 3).
        frames: Pictures.
        durations: In ms.
    """

    photograph: Picture
    frames: list[Image.Image]
    durations: list[int]

    def add(self, picture: Picture, marks: list[tuple[Point, bool]], at: Point, ms: int) -> None:
        """A frame: a picture, clicks (x, y) and what they say, and the pointer."""
        self.frames.append(drawn(picture, marks, at))
        self.durations.append(ms)

    def dimmed(self, matte: Matte) -> Picture:
        """The photograph, dark where the matte is not."""
        height, width = self.photograph.shape[:2]
        shade = FAR * (1 - resize(matte.alpha, (height, width)))[..., None]
        return np.rint(self.photograph * (1 - shade) + VEIL * shade).astype(np.uint8)

    def cut_out(self, matte: Matte) -> Picture:
        """The object before squares."""
        height, width = self.photograph.shape[:2]
        y, x = np.mgrid[:height, :width] // CHECK
        squares = np.where((x + y) % 2, 255, 205)[..., None]
        alpha = resize(matte.alpha, (height, width))[..., None]
        colours = resize(matte.foreground, (height, width))
        return np.rint(colours * alpha + squares * (1 - alpha)).astype(np.uint8)


def drawn(picture: Picture, marks: list[tuple[Point, bool]], at: Point) -> Image.Image:
    """A picture with clicks and a pointer on it."""
    height, width = picture.shape[:2]
    layer = Image.new("RGBA", (SMOOTH * width, SMOOTH * height))
    draw = ImageDraw.Draw(layer)

    def scaled(*points: Point) -> list[Point]:
        return [(SMOOTH * x, SMOOTH * y) for x, y in points]

    for (x, y), positive in marks:
        draw.ellipse(scaled((x - 9, y - 9), (x + 9, y + 9)), fill="white")
        draw.ellipse(scaled((x - 7, y - 7), (x + 7, y + 7)), fill=COLOURS[positive])
        draw.line(scaled((x - 4, y), (x + 4, y)), "white", 2 * SMOOTH)
        if positive:
            draw.line(scaled((x, y - 4), (x, y + 4)), "white", 2 * SMOOTH)
    arrow = [(0, 0), (0, 17), (4, 13.5), (6.6, 19.5), (9.4, 18.2), (6.9, 12.4), (12, 12)]
    draw.polygon(scaled(*((at[0] + x, at[1] + y) for x, y in arrow)), "black", "white", SMOOTH)
    shown = Image.fromarray(picture).convert("RGBA")
    shown.alpha_composite(layer.resize((width, height), Image.Resampling.LANCZOS))
    return shown.convert("RGB")


def animate(photograph: Path, clicks: list[tuple[int, int, bool]], width: int) -> Animation:
    """The automatic matte, and what each click makes of it."""
    pixels = as_photograph(photograph).pixels
    scale = width / pixels.shape[1]
    made = Animation(resize(pixels, (round(scale * pixels.shape[0]), width)), [], [])
    session = gfm.Session(pixels)
    marks: list[tuple[Point, bool]] = []
    at = (0.5 * width, 0.9 * made.photograph.shape[0])
    made.add(made.photograph, marks, at, HOLD)
    shown = made.dimmed(session.matte)
    made.add(shown, marks, at, HOLD)
    for x, y, positive in clicks:
        to = (scale * x, scale * y)
        for step in range(1, STEPS + 1):
            part = (1 - np.cos(np.pi * step / STEPS)) / 2
            place = (at[0] + part * (to[0] - at[0]), at[1] + part * (to[1] - at[1]))
            made.add(shown, marks, place, STEP)
        at = to
        marks.append((to, positive))
        made.add(shown, marks, at, PRESS)
        shown = made.dimmed(session.click(x, y, positive).matte)
        made.add(shown, marks, at, HOLD)
    made.add(made.cut_out(session.matte), [], at, LAST)
    return made


def parse_click(text: str) -> tuple[int, int, bool]:
    """A click `120,80,+` or `120,80,-`."""
    try:
        x, y, meaning = text.split(",")
        return int(x), int(y), {"+": True, "-": False}[meaning]
    except (ValueError, KeyError):
        raise argparse.ArgumentTypeError(f"{text}: give x,y,+ or x,y,-") from None


def run(options: argparse.Namespace) -> None:
    """Write the animation.

    Raises:
        InputError: It becomes larger than wanted.
    """
    made = animate(options.photograph, options.clicks, options.width)
    with whole_file(options.out) as part:
        made.frames[0].save(
            part,
            "webp",
            save_all=True,
            append_images=made.frames[1:],
            duration=made.durations,
            loop=0,
            quality=options.quality,
            method=4,
        )
    size = options.out.stat().st_size
    print(f"{options.out}: {len(made.frames)} frames, {size / 1e3:.0f} kB")
    if size > options.most:
        raise InputError(f"{options.out}: has {size:,} bytes; give a smaller --width or --quality")


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photograph", type=Path)
    parser.add_argument("--clicks", type=parse_click, nargs="+", required=True, metavar="X,Y,+")
    parser.add_argument("--out", type=Path, required=True, help="a .webp file")
    parser.add_argument("--width", type=int, default=480, help="in px (default 480)")
    parser.add_argument("--quality", type=int, default=70, help="of the pictures (default 70)")
    parser.add_argument("--most", type=int, default=1_000_000, help="bytes (default 1,000,000)")
    return run_command(lambda: run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
