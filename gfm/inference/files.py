"""Files of `gfm matte`: names of inputs, places of results, and their bytes."""

from __future__ import annotations

import glob
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.guidance import Guidance
from gfm.inference.cutout import Matte
from gfm.inference.guidance import read_clicks, read_guidance
from rssn.imaging.errors import InputError, check_choice
from rssn.imaging.files import make_folder, whole_file
from rssn.imaging.images import SUFFIXES
from rssn.imaging.photographs import (
    FORMATS,
    Photograph,
    PictureFormat,
    encode_picture,
    read_photograph,
)

Output = Literal["alpha", "rgba", "trimap", "foreground", "composite", "overlay"]
Existing = Literal["overwrite", "skip"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
USUAL: tuple[Output, ...] = ("alpha", "rgba", "trimap")
STREAM = "-"  # standard input or output

# Names by which people know pictures: each is read, or said to be of a kind that is not.
PICTURES = SUFFIXES | set(".jfif .gif .apng .avif .jp2 .ppm .pgm .heic .heif .svg .psd".split())

# Of background, transition and foreground; told apart by colour-blind readers, too.
TINTS = np.array([[0, 0, 0], [255, 160, 0], [0, 160, 255]], np.float32)
TINTED = np.array([0.7, 0.5, 0.35], np.float32)

Background = NDArray[np.uint8] | tuple[int, int, int] | None


@dataclass(frozen=True)
class GuidanceFiles:
    """Files of guidance: of one photograph, or folders with a file of each name."""

    trimap: Path | None = None
    mask: Path | None = None
    clicks: Path | None = None

    def of(self, name: str) -> GuidanceFiles:
        """The files of the photograph of that name.

        Raises:
            InputError: A folder holds none of that name.
        """
        kinds = {kind: getattr(self, kind) for kind in ("trimap", "mask", "clicks")}
        return GuidanceFiles(
            **{
                kind: _of_name(path, name, kind) if path is not None and path.is_dir() else path
                for kind, path in kinds.items()
            }
        )


NO_FILES = GuidanceFiles()


def _of_name(folder: Path, name: str, kind: str) -> Path:
    suffixes = {".json"} if kind == "clicks" else SUFFIXES
    found = [
        path
        for path in sorted(folder.glob(f"{glob.escape(name)}.*"))
        if path.suffix.lower() in suffixes
    ]
    if not found:
        raise InputError(
            f"--{kind} {folder}: holds no {kind} named {name}; add {name}.png"
            if kind != "clicks"
            else f"--clicks {folder}: holds no clicks named {name}; add {name}.json"
        )
    return found[0]


@dataclass(frozen=True)
class Source:
    """One photograph to matte.

    Attributes:
        path: Its file; None is standard input.
        guidance: The files that belong to it.
    """

    path: Path | None
    guidance: GuidanceFiles = NO_FILES

    @property
    def name(self) -> str:
        """Name of its results, without an ending."""
        return "stdin" if self.path is None else self.path.stem

    def __str__(self) -> str:
        return "standard input" if self.path is None else str(self.path)

    def read(self) -> Photograph:
        """Read it whole."""
        return read_photograph(self.path or sys.stdin.buffer.read(), str(self))

    def read_guidance(self, pixels: NDArray[np.uint8]) -> Guidance:
        """Read what belongs to its pixels (H, W, 3)."""
        given = self.guidance
        clicks = None if given.clicks is None else read_clicks(given.clicks)
        return read_guidance(pixels, given.trimap, given.mask, clicks)


@dataclass(frozen=True)
class Results:
    """Kinds and places of the results of each photograph.

    Attributes:
        folder: Holds a folder of each output; None writes one to standard output or a movie.
        outputs: Which.
        picture_format: Of all of them; all are lossless.
        bits: Of alpha.
        background: What composites are put on: a picture, or a colour.
        linear: Mix composites in light, not in sRGB values.
    """

    folder: Path | None
    outputs: tuple[Output, ...] = USUAL
    picture_format: PictureFormat = "png"
    bits: Literal[8, 16] = 8
    background: Background = None
    linear: bool = False

    def __post_init__(self) -> None:
        """Check that the choices go together.

        Raises:
            InputError: They do not.
        """
        for output in self.outputs:
            check_choice("--outputs", output, OUTPUTS)
        check_choice("--format", self.picture_format, FORMATS)
        if self.bits == 16 and self.picture_format == "webp":
            raise InputError("--bits 16 does not fit into WebP; choose --format png or tiff")
        if "composite" in self.outputs and self.background is None:
            raise InputError("--outputs composite needs --background: a picture or '#rrggbb'")
        if self.folder is None and len(self.outputs) != 1:
            raise InputError("--out writes one picture or movie; choose one of --outputs")

    def make_folders(self) -> None:
        """Make the folders of the outputs.

        Raises:
            InputError: They cannot be made.
        """
        if self.folder is None:
            return
        for output in self.outputs:
            make_folder(self.folder / output, f"--out {self.folder}")

    @property
    def coloured(self) -> bool:
        """True if any shows the object's estimated colours."""
        return not {"rgba", "foreground", "composite"}.isdisjoint(self.outputs)

    def are_there(self, name: str) -> bool:
        """Return True if all results of this name exist."""
        return self.folder is not None and all(
            self._path(self.folder, output, name).exists() for output in self.outputs
        )

    def write(self, name: str, photograph: Photograph, made: Matte) -> None:
        """Write the results of a photograph; each appears under its name when it is whole."""
        for output in self.outputs:
            data = self.encode(output, photograph, made)
            if self.folder is None:
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
                continue
            with whole_file(self._path(self.folder, output, name)) as part:
                part.write_bytes(data)

    def draw(self, output: Output, photograph: Photograph, made: Matte) -> NDArray[np.uint8]:
        """An output as pixels: grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4)."""
        if output == "alpha":
            return np.rint(made.alpha * 255).astype(np.uint8)
        if output == "trimap":
            return np.array([0, 128, 255], np.uint8)[made.trimap]
        if output == "rgba":
            return made.rgba
        if output == "foreground":
            return made.foreground
        if output == "overlay":
            return overlay(photograph.pixels, made.trimap)
        return made.on((0, 0, 0) if self.background is None else self.background, self.linear)

    def encode(self, output: Output, photograph: Photograph, made: Matte) -> bytes:
        """An output as a file; one with colours keeps the photograph's profile."""
        if output == "alpha" and self.bits == 16:
            levels = np.rint(made.alpha.astype(np.float64) * 65535).astype(np.uint16)
            return encode_picture(levels, self.picture_format)
        pixels = self.draw(output, photograph, made)
        profile = None if pixels.ndim == 2 else photograph.profile
        return encode_picture(pixels, self.picture_format, profile)

    def _path(self, folder: Path, output: Output, name: str) -> Path:
        return folder / output / f"{name}.{self.picture_format}"


def overlay(photograph: NDArray[np.uint8], trimap: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The photograph (H, W, 3) tinted by what the glance decoder saw: its trimap (H, W) 0/1/2."""
    part = TINTED[trimap][..., None]
    mixed: NDArray[np.uint8] = np.rint(photograph * (1 - part) + TINTS[trimap] * part).astype(
        np.uint8
    )
    return mixed


def collect(
    inputs: Sequence[str], guidance: GuidanceFiles = NO_FILES
) -> tuple[list[Source], list[str]]:
    """The photographs that files, folders, patterns and `-` name; a line for each that names none.

    Args:
        inputs: Names.
        guidance: Files or folders of guidance; a photograph whose guidance is missing is a line.

    Raises:
        InputError: Two photographs have the same name.
    """
    paths: list[Path | None] = []
    failures: list[str] = []
    for given in inputs:
        path = Path(given)
        if given == STREAM:
            paths.append(None)
        elif path.is_dir():
            try:
                found = sorted(each for each in path.iterdir() if _is_picture(each))
            except OSError as error:
                failures.append(f"{given}: cannot be read ({error.strerror}); check its rights")
                continue
            paths += found
            if not found:
                failures.append(f"{given}: holds no image; wanted {_wanted()}")
        elif _is_picture(path) and not _is_pattern(given):
            paths.append(path)
        elif path.exists():
            failures.append(f"{given}: is no image; wanted {_wanted()}")
        elif _is_pattern(given):
            # Path.glob takes no absolute pattern.
            named = sorted(map(Path, glob.glob(given, recursive=True)))  # noqa: PTH207
            found = [each for each in named if _is_picture(each)]
            paths += found
            if not found:
                failures.append(f"{given}: no image matches; check the pattern")
        else:
            failures.append(f"{given}: no such file or folder; check the path")
    sources: dict[str, Source] = {}
    for source in (Source(path) for path in paths):
        other = sources.setdefault(source.name, source)
        if other != source:
            raise InputError(
                f"{source} and {other} would both give results named {source.name}; rename one"
            )
    guided = []
    for source in sources.values():
        try:
            guided.append(replace(source, guidance=guidance.of(source.name)))
        except InputError as error:
            failures.append(f"{source}: {error}")
    return guided, failures


def parse_background(text: str | None) -> Background:
    """A colour `#rrggbb`, or the pixels of a picture file.

    Raises:
        InputError: Neither.
    """
    if text is None:
        return None
    if text.startswith("#"):
        try:
            red, green, blue = bytes.fromhex(text[1:])
        except ValueError:
            raise InputError(f"--background {text}: a colour is written '#rrggbb'") from None
        return red, green, blue
    return read_photograph(Path(text)).pixels


def _is_picture(path: Path) -> bool:
    """Return True if a path is a picture's by its name; a link that leads nowhere is, too."""
    return path.suffix.lower() in PICTURES and not path.is_dir()


def _wanted() -> str:
    return ", ".join(sorted(SUFFIXES))


def _is_pattern(text: str) -> bool:
    return glob.has_magic(text) and not Path(text).exists()
