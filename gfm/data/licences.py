"""Sources and licences of a training set, by their shares of its samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gfm.models.contract import NOT_RECORDED, Licence
from rssn.build.sources import Source
from rssn.shards.manifest import Manifest


def shares(counts: Iterable[tuple[str, str, float]]) -> list[Licence]:
    """Licences by their shares of all counts, the largest first.

    Args:
        counts: Source, licence and count; the same ones may come again.
    """
    sums: dict[tuple[str, str], float] = {}
    for source, licence, count in counts:
        sums[source, licence] = sums.get((source, licence), 0) + count
    total = sum(sums.values())
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    return [Licence(*of, round(count / total, 5)) for of, count in ordered if count > 0]


def licences_of_build(manifest: Manifest) -> list[Licence]:
    """Licences of a build; foregrounds and backgrounds count alike.

    Tars of others and builds of earlier versions tell none: they are one source, by their folder's
    name.
    """
    if not manifest.origins:
        return [Licence(manifest.folder.name, NOT_RECORDED, 1.0)]
    totals: dict[str, int] = {}
    for origin in manifest.origins:
        totals[origin.part] = totals.get(origin.part, 0) + origin.uses
    return shares(
        (
            origin.source or f"{origin.part}s",
            origin.licence or NOT_RECORDED,
            origin.uses / totals[origin.part],
        )
        for origin in manifest.origins
    )


def licences_of_photographs(sources: Sequence[Source]) -> list[Licence]:
    """Licences of photographs in a folder, each of which is as frequent."""
    return shares(
        (each.origin or "photographs", each.licence or NOT_RECORDED, 1) for each in sources
    )


def joined(parts: Iterable[tuple[Sequence[Licence], float]]) -> list[Licence]:
    """Licences of several training sets, each with its number of samples."""
    return shares(
        (each.source, each.licence, each.share * samples)
        for licences, samples in parts
        for each in licences
    )
