"""Plan of a build: the usable inputs, and the list of samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from rssn.build.cache import cache_key
from rssn.build.composition import Sample, SampleTask, SourceSample, sample_generator
from rssn.build.executors import Executor, run_all
from rssn.build.preparation import Prepared, Settings, prepare
from rssn.build.sources import Source, find_backgrounds, find_sources
from rssn.imaging.errors import InputError, how_to_install
from rssn.imaging.seeding import generator
from rssn.route.backgrounds import BackgroundSampler
from rssn.route.compose import RouteOptions, draw_steps
from rssn.shards.manifest import Origin
from rssn.shards.tars import Content


@dataclass(frozen=True)
class Inputs:
    """The usable inputs of a build.

    Attributes:
        samples: Every sample, shuffled so that a shard mixes many foregrounds.
        backgrounds: Every background, for shards of sources.
        digest: Over the names, the content and the licences of all inputs.
        failures: One line per input that was left out.
    """

    samples: Sequence[Sample]
    backgrounds: Sequence[Sample]
    digest: str
    failures: list[str]

    def origins(self) -> list[Origin]:
        """Data sets and licences of all pictures, the most frequent of each part first."""
        shown: list[SourceSample | None] = []
        for each in (*self.samples, *self.backgrounds):
            shown += (each.foreground, each.background) if isinstance(each, SampleTask) else (each,)
        sources = [each.source for each in shown if each]
        counts = Counter((each.part, each.origin, each.licence) for each in sources)
        found = [Origin(*of, uses) for of, uses in counts.items()]
        return sorted(found, key=_by_part_and_use)


def _by_part_and_use(origin: Origin) -> tuple[bool, int, str, str]:
    return origin.part != "foreground", -origin.uses, origin.source or "", origin.licence or ""


def find_inputs(
    foregrounds: Path, backgrounds: Path | None, route: RouteOptions, limit: int | None
) -> tuple[list[Source], list[Source], list[str]]:
    """Foregrounds, backgrounds, and one line per file without its partner; checks them all."""
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
            f"{foregrounds}: holds cut-outs; the route 'original' needs photographs in original/ "
            "with their mattes in mask/"
        )
    return sources, [], failures


class Planner:
    """Preparation of the inputs of a build on an executor, and the list of its samples."""

    def __init__(
        self, settings: Settings, seed: int, content: Content, executor: Executor, quiet: bool
    ) -> None:
        self.settings, self.seed, self.content = settings, seed, content
        self._executor, self._quiet = executor, quiet

    def plan(self, sources: Sequence[Source], backgrounds: Sequence[Source]) -> Inputs:
        """Prepare every image that is needed and list the samples."""
        tasks = [(source, bool(self._denoised(source))) for source in sources]
        foregrounds = self._prepare(tasks, "foregrounds")
        fronts = [
            SourceSample(source, prepared.digest)
            for source, prepared in zip(sources, foregrounds, strict=True)
        ]
        usable = [front for front in fronts if front.digest]
        drawn, pictures = self._prepare_backgrounds([front.source for front in usable], backgrounds)
        backs = [
            SourceSample(background, pictures[number].digest if number in pictures else "")
            for number, background in enumerate(backgrounds)
        ]
        contents = [(o.source.id, o.digest, o.source.licence) for o in (*fronts, *backs)]
        failures = [each.failure for each in (*foregrounds, *pictures.values()) if each.failure]
        samples: list[Sample] = []
        kept: list[Sample] = []
        if self.content == "sources":
            samples += usable
            kept += [back for back in backs if back.digest]
        else:
            for front in usable:
                met = [backs[number] for number in drawn.get(front.source.id, ())]
                for k, back in enumerate(met or [None]):
                    samples.append(SampleTask(front, back, k, self.seed))
        digest = cache_key(*chain.from_iterable(contents))
        return Inputs(self._shuffled(samples), self._shuffled(kept), digest, failures)

    def _shuffled(self, samples: Sequence[Sample]) -> list[Sample]:
        order = generator(self.seed, "order").permutation(len(samples))
        return [samples[number] for number in order]

    def _prepare_backgrounds(
        self, sources: Sequence[Source], backgrounds: Sequence[Source]
    ) -> tuple[dict[str, list[int]], dict[int, Prepared]]:
        """Draw backgrounds until all drawn ones can be read."""
        route = self.settings.route
        sampler = BackgroundSampler(len(backgrounds), self.seed)
        done: dict[int, Prepared] = {}
        while True:
            unusable = {number: each.failure for number, each in done.items() if each.failure}
            drawn: dict[str, list[int]] = {}
            try:
                for source in sources if route.composition else ():
                    drawn[source.id] = sampler.draw(source.id, route.k, unusable)
            except InputError as error:
                raise InputError(f"{error} ({'; '.join(unusable.values())})") from error
            if self.content == "sources":
                wanted = set(range(len(backgrounds)))
                denoised = wanted if route.denoise_probability else set()
            else:
                wanted = {number for row in drawn.values() for number in row}
                denoised = {drawn[each.id][k] for each in sources for k in self._denoised(each)}
            new = sorted(wanted - done.keys())
            if not new:
                return drawn, dict(sorted(done.items()))
            tasks = [(backgrounds[n], n in denoised) for n in new]
            done.update(zip(new, self._prepare(tasks, "backgrounds"), strict=True))

    def _denoised(self, source: Source) -> list[int]:
        """The k of the composites of a foreground that are denoised; all in shards of sources."""
        route = self.settings.route
        ks = range(route.k if route.composition else 0)
        if self.content == "sources":
            return [*ks] if route.denoise_probability else []
        rngs = (sample_generator(self.seed, source.id, k) for k in ks)
        return [k for k, rng in enumerate(rngs) if draw_steps(route, rng).denoise]

    def _prepare(self, tasks: Sequence[tuple[Source, bool]], name: str) -> list[Prepared]:
        work = partial(prepare, self.settings)
        return run_all(self._executor, work, tasks, name, self._quiet)
