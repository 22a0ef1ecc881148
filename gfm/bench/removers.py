"""The methods themselves: from a photograph, perhaps with its trimap, to a matte."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gfm.bench.cases import Pixels
from gfm.bench.description import Remover
from gfm.bench.methods import Kind, Method
from rssn.imaging.errors import InputError
from rssn.imaging.images import SUFFIXES, Alpha, Uint8Image
from rssn.imaging.reading import read_alpha, read_pixels, read_rgba
from rssn.imaging.writing import write_rgb

if TYPE_CHECKING:
    from gfm.models.contract import Licence

Made = tuple[Alpha, Uint8Image | None]
"""Alpha (H, W) and the object's colours (H, W, 3); None are those of the photograph."""

CLASSIC = {"closed_form": "alpha.estimate_alpha_cf", "knn": "alpha.estimate_alpha_knn"}


@dataclass(frozen=True)
class Loaded:
    """A method that is ready.

    Attributes:
        matte: From the name of a case and its pixels to the matte.
        needs_trimap: It takes only cases that have a trimap.
        licences: Of what its weights were trained on; None where it has no weights.
        hashes: Perceptual hashes of its training pictures by source.
    """

    matte: Callable[[str, Pixels], Made]
    needs_trimap: bool = False
    licences: tuple[Licence, ...] | str | None = None
    hashes: Mapping[str, NDArray[np.uint64]] = field(default_factory=dict)


def load(method: Method, device: str = "auto") -> Loaded:
    """Load a method.

    Raises:
        InputError: It is not there, or lacks a package.
    """
    return _LOADERS[method.kind](method, device)


def _model(method: Method, device: str) -> Loaded:
    from gfm.inference.loading import load_model
    from gfm.inference.matting import check_models, matte
    from gfm.inference.refine import refiner
    from gfm.models.options import MatteOptions

    how = MatteOptions(refine=method.refine)
    system, models = check_models([load_model(method.target, device)], how)
    if system.needs_guidance and "trimap" not in system.guidance:
        raise InputError(
            f"a model of the system {system.name} needs {' or '.join(sorted(system.guidance))}; "
            "compare it by gfm evaluate-clicks"
        )
    if system.needs_guidance and method.refine != "auto":
        raise InputError(f"a model of the system {system.name} is not refined; leave refine out")
    used = [models[0]]
    if not system.needs_guidance and (other := refiner(system, models, how)) is not None:
        used.append(other)

    def run(name: str, pixels: Pixels) -> Made:
        del name
        made = matte(
            pixels.image,
            models,
            trimap=pixels.trimap if system.needs_guidance else None,
            refine=method.refine,
            foreground="none" if pixels.colours is None and method.refine != "fusion" else None,
        )
        return made.alpha, None if pixels.colours is None else made.foreground

    licences = {each: None for one in used for each in getattr(one, "licences", ())}
    hashes: dict[str, NDArray[np.uint64]] = {}
    for one in used:
        for source, values in getattr(one, "hashes", {}).items():
            hashes[source] = np.union1d(hashes.get(source, values), values)
    return Loaded(run, system.needs_guidance, tuple(licences), hashes)


def _onnx(method: Method, device: str) -> Loaded:
    del device
    if method.description is None:
        raise InputError(f"{method.target}: has not been read")
    remover = Remover(method.description)
    return Loaded(
        lambda _, pixels: (remover(pixels.image), None), False, method.description.licence or ()
    )


def _rembg(method: Method, device: str) -> Loaded:
    del device
    program = shutil.which("rembg")
    if program is None:
        raise InputError(
            "rembg is not installed; pip install 'rembg[cpu,cli]', in an environment of its own "
            "with the program on PATH if its packages do not fit these"
        )
    chosen = ["-m", method.target] if method.target else []

    def run(name: str, pixels: Pixels) -> Made:
        with TemporaryDirectory(prefix="gfm-") as folder:
            given, made = Path(folder) / "given.png", Path(folder) / "made.png"
            write_rgb(given, pixels.image)
            command = [program, "i", "-om", *chosen, str(given), str(made)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode or not made.is_file():
                last = (done.stderr.strip().splitlines() or ["without a word"])[-1]
                raise InputError(f"rembg failed on {name} (exit {done.returncode}): {last}")
            return _fitting(read_alpha(made), pixels, made), None

    return Loaded(run, False, ())


def _grabcut(method: Method, device: str) -> Loaded:
    from gfm.evaluation.baselines import grabcut

    del method, device
    return Loaded(lambda _, pixels: (grabcut(pixels.image), None))


def _classic(method: Method, device: str) -> Loaded:
    from rssn.foreground.pymatting_parts import function

    del device
    place = CLASSIC[method.kind]
    estimate = function(place, place.rpartition(".")[2])
    colour = function("foreground.estimate_foreground_ml", "estimate_foreground_ml")

    def run(name: str, pixels: Pixels) -> Made:
        del name
        if pixels.trimap is None:
            raise InputError("it has no trimap")
        unit, levels = pixels.image / 255, np.where(pixels.trimap == 128, 0.5, pixels.trimap / 255)
        alpha = np.asarray(estimate(unit, levels), np.float32).clip(0, 1)
        if pixels.colours is None:
            return alpha, None
        made = np.asarray(colour(unit, alpha.astype(np.float64)))
        return alpha, np.rint(made.clip(0, 1) * 255).astype(np.uint8)

    return Loaded(run, True)


def _folder(method: Method, device: str) -> Loaded:
    del device
    folder = Path(method.target)
    files = {
        path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES
    }
    if not files:
        raise InputError(
            f"{folder}: holds no matte; give a folder of PNGs named as the photographs"
        )

    def run(name: str, pixels: Pixels) -> Made:
        path = files.get(name)
        if path is None:
            raise InputError(f"{folder}: holds no matte named {name}; add {name}.png")
        stored = read_pixels(path)
        if pixels.colours is not None and stored.ndim == 3 and stored.shape[2] == 4:
            colours, alpha = read_rgba(path)
            return _fitting(alpha, pixels, path), colours
        return _fitting(read_alpha(path), pixels, path), None

    return Loaded(run, False, ())


def _fitting(alpha: Alpha, pixels: Pixels, path: Path) -> Alpha:
    if alpha.shape != pixels.alpha.shape:
        raise InputError(
            f"{path}: is {alpha.shape[1]}x{alpha.shape[0]} px, the photograph "
            f"{pixels.alpha.shape[1]}x{pixels.alpha.shape[0]}; give mattes of the photographs' size"
        )
    return alpha


_LOADERS: dict[Kind, Callable[[Method, str], Loaded]] = {
    "model": _model,
    "onnx": _onnx,
    "rembg": _rembg,
    "grabcut": _grabcut,
    "closed_form": _classic,
    "knn": _classic,
    "folder": _folder,
}
