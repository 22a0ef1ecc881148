"""`python -m gfm evaluate-clicks`: how many clicks a model needs on a data set."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from rich.console import Console

from gfm.guidance.simulated_user import UserName
from rssn.imaging.errors import FailedInputs, InputError

if TYPE_CHECKING:
    from gfm.evaluation.interaction import Image, Matte, Model

Start = Literal["nothing", "auto"]
GRABCUT = "grabcut"
BAND = 20.0  # px, of the thesis; its other one is 180


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add(
        "--model",
        required=True,
        help="model that takes clicks, or trimaps that are known at the clicks alone; or grabcut",
    )
    add("--data", type=Path, required=True, metavar="DIR", help="original/ and mask/")
    add("--json", type=Path, required=True, metavar="OUT", help="file for the report")
    add("--start", choices=get_args(Start), default="nothing", help="matte before the first click")
    add(
        "--user",
        choices=get_args(UserName),
        help="who clicks (largest on masks, costliest on mattes)",
    )
    add("--clicks", type=int, default=20, metavar="N", help="most clicks on an image (20)")
    add("--seed", type=int, default=0, help="of the noisy user (0)")
    add("--pictures", type=Path, metavar="DIR", help="gets a picture of each session")
    add(
        "--matting",
        metavar="MODEL",
        help="mattes the segmentation of --model, with a trimap around its outline",
    )
    add("--band", type=float, metavar="PX", help="width of that trimap's unknown band (20)")
    add("--device", default="auto", help="auto, cpu or cuda")
    add("--quiet", action="store_true", help="show no progress")


def run(options: argparse.Namespace) -> None:
    """Evaluate, write the report and show its table.

    Raises:
        InputError: Options that do not fit.
        FailedInputs: Some images could not be evaluated; the report holds the others.
    """
    from gfm.evaluation.clicks import Protocol, evaluate_clicks

    if options.json.is_dir():
        raise InputError(f"--json {options.json} is a folder; give the name of a file")
    if options.band is not None and options.matting is None:
        raise InputError("--band has no effect without --matting; name the model that mattes")
    start = _automatic(options.device) if options.start == "auto" else None
    protocol = Protocol(options.user, options.clicks, options.seed, start, options.pictures)
    settings = {"model": options.model, "start": options.start}
    if options.matting is not None:
        settings |= {"matting": options.matting, "band": options.band or BAND}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    report = evaluate_clicks(_model(options), options.data, protocol, settings, options.quiet)
    report.write(options.json)
    Console().print(report.table())
    if report.failures:
        raise FailedInputs(report.failures)


def _model(options: argparse.Namespace) -> Model:
    from gfm.evaluation.click_models import grabcut, in_band, of_system, with_trimaps

    model = (
        grabcut if options.model == GRABCUT else of_system(*_load(options.model, options.device))
    )
    if options.matting is None:
        return model
    matte = with_trimaps(*_load(options.matting, options.device))
    return in_band(model, matte, options.band or BAND)


def _load(name: str, device: str) -> tuple[Any, Any, Any]:
    """System, models and options of a model file."""
    from gfm.inference.loading import load_model
    from gfm.inference.matting import check_models
    from gfm.models.options import MatteOptions

    how = MatteOptions(foreground="none")
    return *check_models([load_model(name, device)], how), how


def _automatic(device: str) -> Callable[[Image], Matte]:
    """The matte that the model of the package makes of a photograph alone."""
    from gfm.inference.loading import load_model
    from gfm.inference.matting import matte

    model = load_model(None, device)
    return lambda image: matte(image, model, foreground="none").alpha
