"""From the files on disk to the list of samples: which inputs are usable, and who meets whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from rssn.build.cache import cache_key
from rssn.build.composition import (
    BackgroundSample,
    ForegroundSample,
    Sample,
    SampleTask,
    sample_generator,
)
from rssn.build.executors import Executor
from rssn.build.preparation import (
    BackgroundTask,
    ForegroundTask,
    Prepared,
    Settings,
    prepare_background,
    prepare_foreground,
)
from rssn.build.sources import Background, Source, find_backgrounds, find_sources
from rssn.imaging.console import progress
from rssn.imaging.errors import InputError, how_to_install
from rssn.imaging.seeding import generator
from rssn.route.backgrounds import BackgroundSampler
from rssn.route.compose import RouteOptions, draw_steps
from rssn.shards.manifest import Origin
from rssn.shards.tars import Content

Task = TypeVar("Task")


@dataclass(frozen=True)
class Inputs:
    """The usable inputs of a build.

    Attributes:
        samples: Every sample, shuffled so that a shard mixes many foregrounds.
        backgrounds: Every background, for shards of sources.
        digest: Over the names, the content and the licences of all inputs.
        failures: One line for each input that was left out.
    """

    samples: Sequence[Sample]
    backgrounds: Sequence[Sample]
    digest: str
    failures: list[str]

    def origins(self) -> list[Origin]:
        """Data sets and licences of all pictures, the most frequent of each part first."""
        counts = Counter(
            ("foreground" if isinstance(each, Source) else "background", each.origin, each.licence)
            for sample in (*self.samples, *self.backgrounds)
            for each in sample.pictures
        )
        found = [Origin(*of, uses) for of, uses in counts.items()]
        return sorted(found, key=_by_part_and_use)


def _by_part_and_use(origin: Origin) -> tuple[bool, int, str, str]:
    return origin.part != "foreground", -origin.uses, origin.source or "", origin.licence or ""


def find_inputs(
    foregrounds: Path, backgrounds: Path | None, route: RouteOptions, limit: int | None
) -> tuple[list[Source], list[Background], list[str]]:
    """The foregrounds, the backgrounds, and one line for each file without its partner.

    Raises:
        InputError: A folder is missing, holds nothing to use, or does not fit the route.
    """
    if route.denoise_probability and route.denoise_backend == "bm3d" and not find_spec("bm3d"):
        raise InputError(f"the package bm3d is missing; {how_to_install('bm3d')}")
    sources, failures = find_sources(foregrounds)
    sources = sources[:limit]
    if route.composition:
        if backgrounds is None:
            raise InputError("this route composes; give --backgrounds, or --route original")
        pictures = find_backgrounds(backgrounds)
        BackgroundSampler(len(pictures)).draw("", route.k)  # enough of them, before hours of work
        return sources, pictures, failures
    if sources and not sources[0].is_photograph:
        raise InputError(
            f"{foregrounds}: holds cut-outs; the route 'original' keeps photographs, which lie in "
            "original/ with their mattes in mask/"
        )
    return sources, [], failures


class Planner:
    """Prepares the inputs of a build on an executor and lists its samples.

    Args:
        settings: Of the work on each image.
        seed: Of the build.
        content: What the shards are to hold.
        executor: Where the work runs.
        quiet: Show no progress.
    """

    def __init__(
        self, settings: Settings, seed: int, content: Content, executor: Executor, quiet: bool
    ) -> None:
        self.settings, self.seed, self.content = settings, seed, content
        self._executor, self._quiet = executor, quiet

    def plan(self, sources: Sequence[Source], backgrounds: Sequence[Background]) -> Inputs:
        """Prepare every image that is needed and list the samples.

        Raises:
            InputError: There are fewer readable backgrounds than a foreground needs.
        """
        foregrounds = self._prepare_foregrounds(sources)
        usable = [source for source in sources if not foregrounds[source.id].failure]
        drawn, pictures = self._prepare_backgrounds(usable, backgrounds)
        contents = [(each.id, foregrounds[each.id].digest, each.licence) for each in sources]
        for number, picture in enumerate(backgrounds):
            digest = pictures[number].digest if number in pictures else ""
            contents.append((picture.path.name, digest, picture.licence))
        failures = [each.failure for each in (*foregrounds.values(), *pictures.values())]
        samples: list[Sample] = []
        kept: list[Sample] = []
        if self.content == "sources":
            samples += [ForegroundSample(s, foregrounds[s.id].digest) for s in usable]
            kept += [
                BackgroundSample(backgrounds[number], picture.digest)
                for number, picture in pictures.items()
                if not picture.failure
            ]
        else:
            for source in usable:
                met: list[tuple[Background | None, str]] = [
                    (backgrounds[n], pictures[n].digest) for n in drawn.get(source.id, ())
                ]
                for k, (background, digest) in enumerate(met or [(None, "")]):
                    mine = foregrounds[source.id].digest
                    samples.append(SampleTask(source, mine, background, digest, k, self.seed))
        return Inputs(
            self._shuffled(samples),
            self._shuffled(kept),
            cache_key(*(text for content in contents for text in content)),
            [failure for failure in failures if failure],
        )

    def _shuffled(self, samples: Sequence[Sample]) -> list[Sample]:
        order = generator(self.seed, "order").permutation(len(samples))
        return [samples[number] for number in order]

    def _prepare_foregrounds(self, sources: Sequence[Source]) -> dict[str, Prepared]:
        tasks = [
            ForegroundTask(self.settings, source, any(self._denoises(source, k) for k in self._ks))
            for source in sources
        ]
        done = self._run(prepare_foreground, tasks, "foregrounds")
        return {source.id: each for source, each in zip(sources, done, strict=True)}

    def _prepare_backgrounds(
        self, sources: Sequence[Source], backgrounds: Sequence[Background]
    ) -> tuple[dict[str, list[int]], dict[int, Prepared]]:
        """Draw backgrounds until all that are drawn can be read."""
        sampler = BackgroundSampler(len(backgrounds), self.seed)
        done: dict[int, Prepared] = {}
        while True:
            unusable = {number: each.failure for number, each in done.items() if each.failure}
            try:
                drawn = {
                    source.id: sampler.draw(source.id, self.settings.route.k, unusable)
                    for source in sources
                    if self.settings.route.composition
                }
            except InputError as error:
                raise InputError(f"{error} ({'; '.join(unusable.values())})") from error
            wanted = {number for row in drawn.values() for number in row}
            denoised = {
                drawn[source.id][k]
                for source in sources
                for k in self._ks
                if self._denoises(source, k)
            }
            if self.content == "sources":
                wanted = set(range(len(backgrounds)))
                denoised = wanted if self.settings.route.denoise_probability else set()
            new = sorted(wanted - done.keys())
            if not new:
                return drawn, dict(sorted(done.items()))
            tasks = [BackgroundTask(self.settings, backgrounds[n].path, n in denoised) for n in new]
            done.update(zip(new, self._run(prepare_background, tasks, "backgrounds"), strict=True))

    @property
    def _ks(self) -> range:
        return range(self.settings.route.k if self.settings.route.composition else 0)

    def _denoises(self, source: Source, k: int) -> bool:
        if self.content == "sources":
            return self.settings.route.denoise_probability > 0
        return draw_steps(self.settings.route, sample_generator(self.seed, source.id, k)).denoise

    def _run(
        self, function: Callable[[Task], Prepared], tasks: Sequence[Task], name: str
    ) -> list[Prepared]:
        finished = self._executor.run(function, tasks)
        results = dict(progress(finished, name, len(tasks), self._quiet))
        return [results[number] for number in range(len(tasks))]
