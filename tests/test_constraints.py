"""constraints.txt leaves an installation nothing to choose, and fits every Python that we admit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata

import pytest
from documents import ROOT
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST = "3.11.0"  # Debian 12 has 3.11.2


def pins(name: str) -> dict[str, str]:
    """The versions in a file of constraints, by package."""
    lines = (ROOT / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(package): version for package, version in pairs}


def needs(requirement: Requirement) -> Iterator[Requirement]:
    """Packages that one with its extras needs on this machine."""
    if requirement.name == PROJECT["name"]:
        for extra in requirement.extras:
            yield from map(Requirement, PROJECT["optional-dependencies"][extra])
        return
    for line in metadata.requires(requirement.name) or ():
        needed = Requirement(line)
        contexts = [{"extra": extra} for extra in ("", *requirement.extras)]
        if needed.marker is None or any(needed.marker.evaluate(each) for each in contexts):
            yield needed


def all_needed() -> set[str]:
    """Every package that `pip install -e .[dev]` brings, by what is installed here."""
    waiting = [*map(Requirement, PROJECT["dependencies"]), Requirement(f"{PROJECT['name']}[dev]")]
    seen: set[str] = set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) not in seen:
            seen.add(str(requirement))
            waiting += needs(requirement)
    names = {canonicalize_name(Requirement(line).name) for line in seen}
    return names - {PROJECT["name"]}


@pytest.fixture(scope="module")
def pinned():
    """The pins, where the environment is the one that they describe."""
    found = pins("constraints.txt")
    for name in ("torch", "numpy", "pytorch-lightning"):
        if (version := metadata.version(name).partition("+")[0]) != found[name]:
            pytest.skip(f"{name} {version} is installed, not {found[name]} of constraints.txt")
    return found


def test_every_package_is_pinned(pinned):
    assert all_needed() <= pinned.keys(), "see the head of constraints.txt"


def test_every_pin_admits_the_oldest_python(pinned):
    assert OLDEST in SpecifierSet(PROJECT["requires-python"])
    for name, version in pinned.items():
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if package.version == version:
            asked = SpecifierSet(package.metadata.get("Requires-Python") or "")
            assert asked.contains(OLDEST), f"{name}=={version} needs Python {asked}"


def test_the_lowest_versions_are_those_of_the_project():
    lowest = pins("constraints-lowest.txt")
    extras = PROJECT["optional-dependencies"]
    lines = [line for extra, lines in extras.items() if extra != "ray" for line in lines]
    for requirement in map(Requirement, [*PROJECT["dependencies"], *lines]):
        if requirement.name != PROJECT["name"]:
            floor = next(each for each in requirement.specifier if each.operator == ">=")
            pin = Version(lowest[canonicalize_name(requirement.name)])
            asked = Version(floor.version).release
            assert pin.release[: len(asked)] == asked, f"{requirement}, but {pin} is tested"


def test_no_malicious_or_flawed_lightning_is_admitted():
    """2.6.2 and 2.6.3 stole credentials; up to 2.6.5 a checkpoint's names are called."""
    train = map(Requirement, PROJECT["optional-dependencies"]["train"])
    (asked,) = (r for r in train if "lightning" in r.name)
    for version in ("2.6.0", "2.6.2", "2.6.3", "2.6.4", "2.6.5"):
        assert not asked.specifier.contains(version)
    for name in ("constraints.txt", "constraints-lowest.txt"):
        assert asked.specifier.contains(pins(name)["pytorch-lightning"])


@pytest.mark.parametrize(
    "place", ["README.md", "CONTRIBUTING.md", "docs", "gfm", "rssn", "scripts"]
)
def test_nobody_is_told_to_install_our_name_from_the_index(place):
    """It is not ours there: extras come from the project's folder."""
    start = ROOT / place
    files = [start] if start.is_file() else [*start.rglob("*.py"), *start.rglob("*.md")]
    assert files
    for file in files:
        text = " ".join(file.read_text().split())
        assert not re.search(rf"{PROJECT['name']}\[|install[^.]{{0,20}}{PROJECT['name']}", text), (
            file
        )
