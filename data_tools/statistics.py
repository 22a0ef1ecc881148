"""`data_tools stats`: description of a data set in tables and a contact sheet."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table

from data_tools.collection import Item, find_collections, read_collection
from data_tools.measurement import BINS, Finding, Measurement, measure, read_image
from data_tools.pictures import VIEW_SIDE, fit
from data_tools.records import write_json
from data_tools.work import add_work_options, in_order
from rssn.imaging.drawing import tiles
from rssn.imaging.errors import FailedInputs, InputError
from rssn.imaging.files import write_whole
from rssn.imaging.images import Uint8Image
from rssn.imaging.reading import read_alpha
from rssn.imaging.writing import encode_rgb

QUANTILES = (0, 0.1, 0.5, 0.9, 1)
TILES, TILE_SIDE = 24, 192  # px
BARS, BAR_LEVELS = 40, " ▁▂▃▄▅▆▇█"
PAPER_LEVEL = 225  # grey behind cut-outs, and what the surroundings of subjects fade to


@dataclass(frozen=True)
class Statistics:
    """Measures of the images of a data set.

    Attributes:
        counts: Images of each collection and kind.
        images: The usable ones.
        failures: One line per unusable one.
    """

    counts: dict[str, dict[str, int]]
    images: tuple[Measurement, ...]
    failures: tuple[str, ...]

    def quantities(self) -> dict[str, list[float]]:
        """Values of each quantity, of all images that have it."""
        mattes = [image.matte for image in self.images if image.matte is not None]
        return {
            "shorter side, px": [float(min(i.height, i.width)) for i in self.images],
            "longer side, px": [float(max(i.height, i.width)) for i in self.images],
            "brightness, levels": [float(np.mean(i.colour)) for i in self.images],
            "red - blue, levels": [i.colour[0] - i.colour[2] for i in self.images],
            "colourfulness": [i.colourfulness for i in self.images],
            "alpha 1, share": [matte.foreground for matte in mattes],
            "transition, share": [matte.transition for matte in mattes],
            "transition width, px": [m.width for m in mattes if m.width is not None],
        }

    def fractions(self) -> list[int]:
        """Pixels of all transitions in each of 20 ranges of alpha."""
        mattes = [image.matte.fractions for image in self.images if image.matte is not None]
        return [int(n) for n in np.sum(mattes, axis=0)] if mattes else [0] * BINS

    def tables(self) -> list[Table]:
        """Counts, and the spread and a histogram of each quantity."""
        counts = Table(title="Images", title_justify="left")
        for name in ("collection", "kind", "count"):
            justify: JustifyMethod = "right" if name == "count" else "left"
            counts.add_column(name, justify=justify, overflow="fold")
        for folder, kinds in self.counts.items():
            for kind, count in kinds.items():
                counts.add_row(folder, kind, str(count))
        # Narrow enough for a terminal of 80 columns, where rich would cut numbers off.
        spread = Table(title="Spread", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        spread.add_column("quantity", no_wrap=True)
        for name in ("count", "mean", "least", "10 %", "median", "90 %", "most"):
            spread.add_column(name, justify="right")
        for name, summary in self.summaries().items():
            spread.add_row(name, *(_number(value) for value in summary.values()))
        shapes = Table(title="Histograms", title_justify="left", box=SIMPLE_HEAD)
        shapes.add_column("quantity", no_wrap=True)
        shapes.add_column("from least to most", no_wrap=True)
        for name, values in self.quantities().items():
            if values:
                shapes.add_row(name, bars(np.histogram(values, BARS)[0]))
        shapes.add_row("fractional alpha", bars(self.fractions()))
        return [counts, spread, shapes]

    def summaries(self) -> dict[str, dict[str, float]]:
        """Count, mean and quantiles of each quantity that any image has."""
        return {
            name: {
                "count": len(values),
                "mean": float(np.mean(values)),
                **{f"q{q:g}": float(np.quantile(values, q)) for q in QUANTILES},
            }
            for name, values in self.quantities().items()
            if values
        }

    def write(self, path: Path) -> None:
        """Write all as JSON."""
        depths = Counter(image.matte.bits for image in self.images if image.matte is not None)
        content = {
            "counts": self.counts,
            "summaries": self.summaries(),
            "bits of alpha": {str(bits): count for bits, count in sorted(depths.items())},
            "fractional alpha": self.fractions(),
            "images": [_row(image) for image in self.images],
            "failures": list(self.failures),
        }
        write_json(path, content)


def describe(folder: Path, workers: int | None = None, quiet: bool = False) -> Statistics:
    """Measure a data set, or all its splits."""
    counts: dict[str, dict[str, int]] = {}
    images: list[Measurement] = []
    failures: list[str] = []
    for collection in find_collections(folder):
        items, unpaired = read_collection(collection)
        results = in_order(measure, items, f"stats {collection}", workers, quiet)
        usable = [result for result in results if isinstance(result, Measurement)]
        counts[str(collection)] = dict(Counter(image.kind for image in usable))
        images += usable
        failures += [*unpaired, *(each.text for each in results if isinstance(each, Finding))]
    if not images:
        raise InputError(f"{folder}: none of its images can be used; see data_tools verify")
    return Statistics(counts, tuple(images), tuple(failures))


def bars(counts: Sequence[int] | NDArray[np.intp]) -> str:
    """A histogram in one line of text, a character per count."""
    most = max(*counts, 1)
    return "".join(BAR_LEVELS[-(-8 * int(count) // most)] for count in counts)


def draw(items: Sequence[Item]) -> Uint8Image:
    """Contact sheet of images spread over the data set."""
    numbers = np.unique(np.linspace(0, len(items) - 1, min(TILES, len(items))).round().astype(int))
    return tiles([_tile(items[number]) for number in numbers], 6, TILE_SIDE, TILE_SIDE)


def _number(value: float) -> str:
    """Format a number in seven characters: three significant digits, four decimals."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.01 else f"{value:.4f}"


def _row(image: Measurement) -> dict[str, Any]:
    row = asdict(image)
    del row["item"], row["signature"]
    return {"path": str(image.item.path), **row}


def _tile(item: Item) -> tuple[Uint8Image, str]:
    """The picture with the surroundings of its subject faded, and its name."""
    image, alpha, kind = read_image(item)
    if item.matte is not None:
        alpha = read_alpha(item.matte)
    picture = fit(image, VIEW_SIDE)
    if alpha is not None:
        weight = fit(alpha, VIEW_SIDE)[..., None]
        around = picture * 0.25 + PAPER_LEVEL * 0.75 if kind == "photograph" else PAPER_LEVEL
        picture = np.rint(picture * weight + around * (1 - weight)).astype(np.uint8)
    return picture, item.path.name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="a data set, or its splits' folder")
    add("--json", type=Path, metavar="OUT", help="file for all numbers")
    add("--picture", type=Path, metavar="OUT.png", help="file for the picture")
    add_work_options(parser)


def run(options: argparse.Namespace) -> None:
    """Describe a data set."""
    if options.picture is not None and options.picture.suffix.lower() != ".png":
        raise InputError(f"--picture {options.picture}: is not a PNG; give a name ending in .png")
    statistics = describe(options.folder, options.workers, options.quiet)
    if options.json is not None:
        statistics.write(options.json)
    if options.picture is not None:
        options.picture.parent.mkdir(parents=True, exist_ok=True)
        drawn = draw([image.item for image in statistics.images])
        write_whole(options.picture, encode_rgb(drawn, "png"))
    console = Console()
    for table in statistics.tables():
        console.print(table)
    if statistics.failures:
        raise FailedInputs(statistics.failures)
