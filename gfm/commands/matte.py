"""`scripts/infer.py` and `gfm matte`: photographs in, mattes and cut-outs out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from gfm.checkpoints.packaged import CLICKS, GUIDED
from gfm.inference.files import (
    OUTPUTS,
    STREAM,
    USUAL,
    Existing,
    GuidanceFiles,
    Output,
    Results,
    collect,
    parse_background,
)
from gfm.models.glance_focus.options import D1, D2
from gfm.models.options import REFINEMENTS, Augmentation, ForegroundMethod, MatteOptions, Strategy
from gfm.video import SMOOTHING
from gfm.video.formats import find_clip, movie_container
from rssn.imaging.console import Bar, run_command
from rssn.imaging.errors import BelowThreshold, FailedInputs, InputError, one_line
from rssn.imaging.photographs import FORMATS

if TYPE_CHECKING:
    from gfm.evaluation.review_page import ReviewSheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    usual = MatteOptions()
    add = parser.add_argument
    add(
        "inputs", nargs="+", metavar="INPUT", help="image, folder, pattern, - for stdin; or a video"
    )
    add(
        "--model",
        action="append",
        metavar="MODEL",
        help="model file, its folder, or hub id (lite, the small one inside); several times: the "
        "median is taken",
    )
    add(
        "--out",
        required=True,
        help="folder that gets a folder of each output, or - for stdout; of a video also a movie: "
        ".mov (ProRes 4444) or .webm, with alpha, or .mp4",
    )
    add(
        "--outputs",
        metavar="LIST",
        help=f"of {','.join(OUTPUTS)} (default {','.join(USUAL)}; to stdout and of a movie rgba)",
    )
    add("--format", choices=FORMATS, default="png", help="of the outputs (default png)")
    add("--bits", type=int, choices=(8, 16), default=8, help="of alpha (default 8)")
    add("--background", metavar="FILE|#RRGGBB", help="what composites are put on")
    add("--linear", action="store_true", help="mix composites in linear light")
    add(
        "--existing",
        choices=get_args(Existing),
        default="overwrite",
        help="what happens to photographs whose results are there (default overwrite)",
    )
    for name, what in (
        ("--trimap", "trimap (0, 128, 255) of the photograph, or folder with one of each name"),
        ("--mask", "coarse matte to put right, likewise"),
        ("--clicks", "JSON of clicks, likewise"),
    ):
        add(name, type=Path, metavar="FILE|DIR", help=f"{what}; for models that take it")
    add(
        "--strategy",
        choices=get_args(Strategy),
        help="passes of GFM (default hybrid)",
    )
    for name, decoder, default in (("--d1", "glance", D1), ("--d2", "focus", D2)):
        help = f"reduction for the {decoder} (default: the model's, or {default:g})"
        add(name, type=float, help=help)
    add(
        "--foreground",
        choices=get_args(ForegroundMethod),
        help="estimation of the colours behind soft edges (default: what the model predicts, or "
        "blur)",
    )
    add(
        "--refine",
        default=usual.refine,
        metavar="auto|none|fusion|MODEL",
        help="auto: the packaged guided model refines edges; fusion: image, alpha and colours "
        "correct each other; or a model that takes trimaps (default auto)",
    )
    add(
        "--augment",
        choices=get_args(Augmentation),
        default=usual.augmentation,
        help="average over the mirror image (flip; glance: in that pass alone), or more "
        "views (full); default: what the model asks for",
    )
    add(
        "--max-memory",
        metavar="SIZE",
        help="such as 4GB: large photographs are matted at the full 1/d2, in tiles that fit",
    )
    add(
        "--backpropagate",
        type=int,
        default=usual.backpropagate,
        metavar="STEPS",
        help="gradient steps that fit the matte to its trimap, such as 100; for models whose "
        "decoder can be refined",
    )
    add(
        "--smooth",
        type=float,
        metavar="PART",
        help="of a video: part of what was seen in earlier frames that is mixed into each, where "
        f"nothing moved; 0 or more, below 1 (default {SMOOTHING})",
    )
    add(
        "--review",
        type=float,
        metavar="ERROR",
        help="also write review.html and review.json, automatic mattes sorted by their expected "
        "error (mean absolute), and exit with 3 if one is above ERROR, such as 0.05",
    )
    add("--device", default="auto", help="auto, cpu, cuda or another provider of ONNX Runtime")
    add("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> None:
    """Matte every input.

    Raises:
        FailedInputs: Some inputs could not be matted; the others are done.
        BelowThreshold: A matte has a larger expected error than `--review`.
        InputError: An option that is not supported, two inputs with one name, or no place to write.
    """
    # Whoever asks for help does not wait for PyTorch.
    from gfm.inference.loading import load_model
    from gfm.inference.matting import check_models
    from gfm.inference.photographs import matte_all

    clip = find_clip(options.inputs)
    if clip is not None and (options.trimap or options.mask or options.clicks):
        raise InputError("--trimap, --mask and --clicks are for photographs; leave them out")
    if clip is not None and options.refine not in REFINEMENTS:
        raise InputError(
            f"--refine {options.refine}: the frames of a video are not refined, which would make "
            "edges flicker; leave it out"
        )
    if clip is None and options.smooth is not None:
        raise InputError("--smooth is for a video; leave it out for photographs")
    results = _results(options, clip is not None)
    sheet = _sheet(options, clip is not None, results)
    how = _how(options, results.coloured)
    job = None
    if clip is not None:
        from gfm.video.command import ClipJob, matte_clip

        skip = options.existing == "skip"
        smoothing = SMOOTHING if options.smooth is None else options.smooth
        job = ClipJob(clip, Path(options.out), results, how, smoothing, skip)
    guidance = GuidanceFiles(options.trimap, options.mask, options.clicks)
    guided = any((options.trimap, options.mask, options.clicks))
    automatic = CLICKS if options.clicks else GUIDED if guided else None
    loaded = [load_model(each, options.device) for each in options.model or (automatic,)]
    system, models = check_models(loaded, how)
    if not options.quiet:
        sys.stderr.write(f"device: {models[0].describe()}\n")
    if job is not None:
        matte_clip(job, models, options.quiet)
        return
    sources, failures = collect(options.inputs, guidance)
    if results.folder is None and len(sources) > 1:
        raise InputError(f"--out - takes one photograph, not {len(sources)}; give a folder")
    results.make_folders()
    if options.existing == "skip":
        sources = [source for source in sources if not results.are_there(source.name)]
    review = None if sheet is None else sheet.add
    with Bar("Matte", len(sources), options.quiet) as bar:
        for source, reason in matte_all(sources, system, models, how, results, review):
            if reason is not None:
                text = one_line(reason)
                failures.append(text if text.startswith(str(source)) else f"{source}: {text}")
            bar.advance()
    if sheet is not None and results.folder is not None:
        sheet.write(results.folder)
    if failures:
        raise FailedInputs(failures)
    if sheet is not None and sheet.doubtful:
        raise BelowThreshold(
            f"{sheet.doubtful} of {len(sheet)} mattes have an expected error above "
            f"{sheet.threshold:g}; see {sheet.page(Path(options.out))}"
        )


def _sheet(options: argparse.Namespace, of_video: bool, results: Results) -> ReviewSheet | None:
    """The contact sheet of the review; None without one."""
    from gfm.evaluation.review_page import ReviewSheet

    if options.review is None:
        return None
    if not 0 <= options.review <= 1:
        raise InputError(f"--review {options.review:g}: give an error from 0 to 1, such as 0.05")
    if of_video or results.folder is None:
        raise InputError("--review is for photographs into a folder; leave it out")
    for name in ("trimap", "mask", "clicks"):
        if getattr(options, name) is not None:
            raise InputError(f"--review judges automatic mattes; leave it or --{name} out")
    return ReviewSheet(options.review)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command by itself, as `scripts/infer.py` does."""
    parser = argparse.ArgumentParser(prog="infer.py", description="Cut objects out of photographs.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    return run_command(lambda: run(options))


def _how(options: argparse.Namespace, coloured: bool) -> MatteOptions:
    """The options of matting; colours that nothing shows are not estimated."""
    how = MatteOptions(
        strategy=options.strategy,
        d1=options.d1,
        d2=options.d2,
        foreground=options.foreground,
        refine=options.refine,
        augmentation=options.augment,
        max_memory=options.max_memory,
        backpropagate=options.backpropagate,
    )
    return how if coloured or how.refine == "fusion" else replace(how, foreground="none")


def _results(options: argparse.Namespace, of_video: bool) -> Results:
    out = Path(options.out)
    movie = movie_container(out) is not None
    if movie and not of_video:
        raise InputError(f"--out {out} is a movie, which is made from a video; give a folder")
    one = movie or options.out == STREAM
    usual = "rgba" if one else ",".join(USUAL)
    names = [name.strip() for name in (options.outputs or usual).split(",")]
    return Results(
        None if one else out,
        cast(tuple[Output, ...], tuple(dict.fromkeys(names))),
        options.format,
        options.bits,
        parse_background(options.background),
        options.linear,
    )
