"""Rights that the licences of training pictures grant, recognised by their text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from gfm.models.contract import NOT_RECORDED, Licence
from rssn.imaging.errors import InputError

Terms = Literal["permissive", "attribution", "share-alike", "unknown", "non-commercial"]
Allowed = Literal["permissive", "attribution", "share-alike"]
ORDER: tuple[Terms, ...] = ("permissive", "attribution", "share-alike", "unknown", "non-commercial")
"""From what asks nothing of commercial use to what forbids it."""

# Read in this order: a text that names several licences has the terms of the strictest.
_WORDS: tuple[tuple[Terms, str], ...] = (
    (
        "non-commercial",
        r"non-? ?commercial|no(t for)? commercial|\bnc\b|research|academic|education|personal use",
    ),
    (
        "unknown",
        r"none stated|unstated|not stated|no licen[cs]e|not recorded|unknown|not to be passed on"
        r"|never published|\bnd\b|no[- ]?derivatives|all rights reserved",
    ),
    ("share-alike", r"share-? ?alike|\bsa\b|\b[al]?gpl|odbl"),
    ("attribution", r"\b(cc|commons)[- ]?by\b|licenses/by\b|\bodc-?by\b|attribution"),
    (
        "permissive",
        r"\bmit\b|apache|\bbsd|\bcc[- ]?0|public ?domain|unsplash|pexels|pixabay|\bisc\b|unlicense"
        r"|any purpose|unrestricted",
    ),
)
_ALLOWED: dict[Terms, str] = {
    "permissive": "allowed by",
    "attribution": "allowed with credit to",
    "share-alike": "allowed under the same licence by",
    "unknown": "not known of",
    "non-commercial": "not allowed by",
}


def terms(licence: str) -> Terms:
    """Terms of a licence for commercial use, from its name or description.

    No-derivatives licences are `unknown`: whether a model is a derivative is not settled.

    Example:
        >>> terms("CC0 / Unsplash"), terms("MIT (repository); models CC BY 4.0")
        ('permissive', 'attribution')
    """
    text = licence.lower()
    return next((kind for kind, words in _WORDS if re.search(words, text)), "unknown")


def by_terms(licences: Iterable[Licence]) -> dict[Terms, list[str]]:
    """Names of the sources, each once, by their terms, the strictest first."""
    found: dict[Terms, dict[str, None]] = {kind: {} for kind in reversed(ORDER)}
    for each in licences:
        found[terms(each.licence)][each.source] = None
    return {kind: list(sources) for kind, sources in found.items() if sources}


def verdict(licences: Sequence[Licence]) -> str:
    """One line: the strictest terms of all sources, and the sources by their terms."""
    if not licences:
        return f"{NOT_RECORDED}; the model does not tell what it was trained on"
    found = by_terms(licences)
    told = (f"{_ALLOWED[kind]} {', '.join(sources)}" for kind, sources in found.items())
    return f"{next(iter(found))}. Commercial use, as the sources state it: {'; '.join(told)}"


def check_allowed(licences: Iterable[Licence], allowed: Allowed) -> None:
    """Refuse sources whose terms are stricter.

    Raises:
        InputError: Naming each of them.
    """
    wrong = {
        f"{each.source} ({each.licence})": None
        for each in licences
        if ORDER.index(terms(each.licence)) > ORDER.index(allowed)
    }
    if wrong:
        raise InputError(
            f"--licences {allowed} does not allow {', '.join(wrong)}; leave them out, or note "
            "their licences in licences.csv beside them and build again"
        )
