"""Build shards of composites: `python -m rssn.build --foregrounds DIR --backgrounds DIR --out URL`.

First every source image is prepared once (F estimated, denoised) into a cache, then shards are
composed from it. Every byte depends on the options and the images alone, so that --resume continues
an interrupted build to the same end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Self, get_args

from rssn.build.composition import build_shard, shard_tasks
from rssn.build.executors import ExecutorName, make_executor, run_all
from rssn.build.output import (
    cache_folder,
    check_all_there,
    check_empty,
    claimed,
    clear_leftovers,
)
from rssn.build.planning import Planner, find_inputs
from rssn.build.preparation import Settings
from rssn.build.sources import LAYOUTS
from rssn.denoising.denoise import resolve_device
from rssn.foreground.estimate import METHODS, ForegroundMethod
from rssn.imaging.console import run_command
from rssn.imaging.errors import FailedInputs, InputError, check_choice, check_least
from rssn.imaging.images import ImageFormat
from rssn.imaging.locations import locate, told_errors
from rssn.route.compose import ROUTES, RouteOptions
from rssn.shards.manifest import PLAN_NAME, Manifest, Plan, library_versions
from rssn.shards.tars import Content

LEAST_WINDOWS = 10  # of the largest blur, side by side in a background; the paper's hold 18
_PREFIXES: dict[Content, str] = {"composites": "shard", "sources": "foregrounds"}
_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)
_DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class BuildOptions:
    """Settings that decide every byte of a build.

    Attributes:
        route: The composition route.
        seed: Source of all draws.
        method: Estimation of F from photographs.
        image_format: Of composite, F and B: 'jpg' (quality 95, 4:4:4), 'png' or 'webp' (lossless).
        samples_per_shard: None takes 256, or fewer if that would leave less than 16 shards.
        limit: Number of foregrounds, the first in name order; None takes all.
        content: 'composites', or 'sources': F, alpha and backgrounds, denoised too, from which a
            loader composes anew every epoch.
        device: For denoising: 'cpu', 'cuda', or 'auto' for a GPU if there is one. The results
            differ a little, so a build continues only on the device it began with.
        extend: Continue the colours of cut-outs smoothly behind their mattes
            (`rssn.extend_foreground`), for users of F that resample it apart from alpha.
            Composites hardly gain: cut-outs are shrunk with alpha as weight anyway, and the
            colours of half-transparent parts, exact in some data, are smoothed.
    """

    route: RouteOptions = field(default_factory=RouteOptions)
    seed: int = 0
    method: ForegroundMethod = "closed_form"
    image_format: ImageFormat = "jpg"
    samples_per_shard: int | None = None
    limit: int | None = None
    content: Content = "composites"
    device: str = "cpu"
    extend: bool = False

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        check_choice("format", self.image_format, _FORMATS)
        check_choice("content", self.content, get_args(Content))
        check_choice("device", self.device, _DEVICES)
        if self.content == "sources" and not self.route.composition:
            raise InputError("content='sources' needs a route that composes; 'original' keeps I")
        check_least(0, seed=self.seed)
        check_least(1, samples_per_shard=self.samples_per_shard, limit=self.limit)

    def as_dict(self) -> dict[str, Any]:
        """All settings in the types that JSON has."""
        return {**asdict(self), "route": self.route.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Settings of a manifest, from `as_dict`.

        Raises:
            InputError: An unknown setting or a bad value.
        """
        allowed = [setting.name for setting in fields(cls)]
        if unknown := sorted(set(values) - set(allowed)):
            raise InputError(f"unknown settings {unknown}; another version built this: use it")
        return cls(**{**values, "route": RouteOptions.from_dict(values.get("route", {}))})

    def settings(self, cache: Path) -> Settings:
        """Settings of the work on one image, with the folder of its results."""
        return Settings(self.route, self.method, cache, self.device, self.extend)


def build(
    foregrounds: Path,
    backgrounds: Path | None,
    out: str | Path,
    options: BuildOptions,
    *,
    workers: int | None = None,
    executor: ExecutorName = "local",
    resume: bool = False,
    cache: Path | None = None,
    quiet: bool = True,
) -> Manifest:
    """Build shards and their manifest.

    Args:
        foregrounds: Folder with original/ + mask/, or fg/ + alpha/, or RGBA images.
        backgrounds: Folder of pictures; None for the route 'original'.
        out: Folder of the shards, or its address in an object store (s3://, gs://, ...).
        options: Settings of the build.
        workers: Processes; None takes one per core.
        executor: 'local' or 'ray'.
        resume: Continue an interrupted build; without it `out` has to be empty.
        cache: Folder of the prepared sources, on this machine; `out`/.cache by default. Builds can
            share it.
        quiet: Show no progress.

    Returns:
        The manifest, already written. Its `failures` name the inputs that were left out.

    Raises:
        InputError: A folder or an option is wrong, another build writes to `out`, the build to
            resume had other settings or images, or the disk is full.
    """
    folder = locate(out)
    options = replace(options, device=_device(options, executor))
    settings = options.settings(cache_folder(cache, folder))
    store = "check address, credentials and network, and continue with --resume"
    told = told_errors(folder, "check the path", store, "read or written")
    with told, make_executor(executor, workers) as run:
        sources, pictures, failures = find_inputs(
            foregrounds, backgrounds, options.route, options.limit
        )
        plan = Plan(options.as_dict(), library_versions(options.device), inputs="")
        with claimed(folder):
            check_empty(folder, resume)
            before = Manifest.previous(folder)
            if before is not None:  # now, and not after hours of work
                replace(plan, inputs=before.plan.inputs).check_same(before.plan)
            clear_leftovers(folder)
            planner = Planner(settings, options.seed, options.content, run, quiet)
            inputs = planner.plan(sources, pictures)
            plan = replace(plan, inputs=inputs.digest)
            before = before or Manifest.begin(plan, folder)
            plan.check_same(before.plan)

            size, prefix = options.samples_per_shard, _PREFIXES[options.content]
            work = partial(build_shard, settings, options.image_format)
            tasks = shard_tasks(folder, inputs.samples, size, before.shards, prefix)
            more = shard_tasks(folder, inputs.backgrounds, size, before.backgrounds, "backgrounds")
            made = run_all(run, work, [*tasks, *more], "samples", quiet, lambda t: len(t.samples))
            check_all_there(folder, made)
            shards, kept = made[: len(tasks)], made[len(tasks) :]
            failures = sorted(
                _without(failure, foregrounds, backgrounds)
                for failure in failures + inputs.failures
            )
            manifest = Manifest(plan, shards, failures, folder, kept, origins=inputs.origins())
            manifest.write()
            (folder / PLAN_NAME).unlink(missing_ok=True)
    return manifest


def _without(failure: str, *folders: Path | None) -> str:
    """A failure with file names that do not depend on the place of the data set."""
    for folder in folders:
        failure = failure.replace(f"{folder}/", "") if folder else failure
    return failure


def _device(options: BuildOptions, executor: ExecutorName) -> str:
    """The device that denoises, 'cpu' or 'cuda'."""
    device = resolve_device(options.device, options.route.denoise_backend)
    if device != "cpu" and executor == "ray":
        raise InputError(
            f"device={device!r} does not go with executor='ray', which gives its tasks no GPU; "
            "choose device='cpu' or executor='local'"
        )
    return device


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m rssn.build",
        description="Compose training samples for matting and write them as WebDataset shards.",
    )
    add = parser.add_argument
    add("--foregrounds", type=Path, required=True, metavar="DIR", help=LAYOUTS)
    add("--backgrounds", type=Path, metavar="DIR", help="pictures; not for --route original")
    add("--out", required=True, metavar="URL", help="folder of the shards, or s3://, gs://, ...")
    add("--route", default="rssn", help=f"{', '.join(ROUTES)}, or a YAML file of options")
    add("--k", type=int, help="composites of each foreground (5)")
    add("--seed", type=int, default=0)
    size = "shorter side that larger images shrink to (1080)"
    add("--size", dest="shorter_side", type=int, metavar="PX", help=size)
    reference = "shorter side that the blur is meant for, to scale it with the images (not scaled; "
    add("--blur-reference", type=int, metavar="PX", help=f"{reference}the paper's have 1080)")
    quality = "jpg is quality 95, 4:4:4"
    add("--format", dest="image_format", choices=_FORMATS, default="jpg", help=quality)
    add("--method", choices=METHODS, default=METHODS[0], help="estimation of foregrounds")
    add("--extend", action="store_true", help="continue cut-outs' colours behind their mattes")
    terms = "bm3d: for non-commercial use only"
    add("--denoiser", dest="denoise_backend", choices=("fast", "bm3d"), help=terms)
    sources = "sources: for composing in the loader, anew every epoch"
    add("--content", choices=get_args(Content), default="composites", help=sources)
    device = "for denoising; on a GPU each worker takes up to 1.5 GB of its memory"
    add("--device", choices=_DEVICES, default="cpu", help=device)
    add("--samples-per-shard", type=int, metavar="N", help="256, less for small builds")
    add("--limit", type=int, metavar="N", help="only the first N foregrounds")
    add("--workers", type=int, metavar="N", help="processes (one per core)")
    add("--executor", choices=("local", "ray"), default="local")
    add("--cache", type=Path, metavar="DIR", help="prepared sources (OUT/.cache); can be shared")
    add("--resume", action="store_true", help="continue an interrupted build")
    add("--quiet", action="store_true", help="no progress bars")
    return parser


def route_options(name: str, k: int | None = None, **options: Any) -> RouteOptions:  # noqa: ANN401
    """A route by its name, or from a YAML file, with some of its options replaced.

    Args:
        name: Of the route, or of the file.
        k: Replaces the route's; None keeps it, as for all options.
        options: Others of `RouteOptions`.

    Raises:
        InputError: Unknown route, or a value is not allowed.
    """
    if name in ROUTES:
        route = ROUTES[name]
    elif Path(name).suffix in (".yaml", ".yml"):
        route = RouteOptions.from_yaml(Path(name))
    else:
        raise InputError(f"route='{name}'; choose from {list(ROUTES)} or give a YAML file")
    given = {"k": k, **options}
    return replace(route, **{each: value for each, value in given.items() if value is not None})


def blur_hint(route: RouteOptions) -> str | None:
    """Warning of a blur that leaves nothing of backgrounds as small as the route makes them."""
    side, window = route.shorter_side, max(route.blur_sizes)
    is_scaled = route.blur_reference is not None or not route.blur_probability
    if is_scaled or side is None or window * LEAST_WINDOWS <= side:
        return None
    return (
        f"blur windows of up to {window} px leave little of backgrounds of {side} px; they are "
        "meant for 1080 px: --blur-reference 1080 scales them"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 done, 1 some inputs failed, 2 usage."""
    chosen = vars(parser().parse_args(arguments))

    def command() -> None:
        names = ("k", "shorter_side", "denoise_backend", "blur_reference")
        route = route_options(chosen.pop("route"), **{name: chosen.pop(name) for name in names})
        if not chosen["quiet"] and (hint := blur_hint(route)) is not None:
            sys.stderr.write(f"note: {hint}\n")
        given = {each.name: chosen.pop(each.name) for each in fields(BuildOptions)[1:]}
        manifest = build(options=BuildOptions(route, **given), **chosen)
        if manifest.failures:
            raise FailedInputs(manifest.failures)

    return run_command(command)
