"""The manifest of a build: what was made, from which settings, and what failed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Self

from rssn._files import whole_file
from rssn.errors import FailedInputs, InputError
from rssn.shards import ShardInfo, describe_shard, shard_keys

NAME = "manifest.json"
PLAN_NAME = "plan.json"  # stands in until the manifest is written
_LIBRARIES = ("gfm-matting", "numpy", "opencv-python-headless", "pymatting", "numba")


@dataclass(frozen=True)
class Plan:
    """What decides every byte of a build.

    Attributes:
        configuration: All settings.
        versions: Of the libraries that compute or encode.
        inputs: Digest over the content of every foreground and background that is used.
    """

    configuration: dict[str, Any]
    versions: dict[str, str]
    inputs: str

    def check_same(self, before: Plan) -> None:
        """Refuse to continue a build that other settings began.

        Raises:
            InputError: Naming what differs.
        """
        for name, values, old in (
            ("setting", self.configuration, before.configuration),
            ("version of", self.versions, before.versions),
        ):
            for key in sorted(values.keys() | old.keys()):
                if values.get(key) != old.get(key):
                    raise InputError(
                        f"{name} {key} is {values.get(key)!r}, but the build to resume had "
                        f"{old.get(key)!r}; use that, or another --out"
                    )
        if self.inputs != before.inputs:
            raise InputError(
                "the input images changed since the build to resume, or others of them can be "
                "read; put them back, or use another --out"
            )


@dataclass(frozen=True)
class Manifest:
    """A build's plan, its shards, and one line for each input that failed."""

    plan: Plan
    shards: list[ShardInfo]
    failures: list[str] = field(default_factory=list)
    folder: Path = Path()

    @property
    def samples(self) -> int:
        """How many samples all shards hold."""
        return sum(shard.samples for shard in self.shards)

    @classmethod
    def read(cls, folder: Path, name: str = NAME) -> Self:
        """Read the manifest of a finished build.

        Raises:
            InputError: There is none, or it cannot be read.
        """
        path = folder / name
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                Plan(values["configuration"], values["versions"], values["inputs"]),
                [ShardInfo(**shard) for shard in values["shards"]],
                values["failures"],
                folder,
            )
        except FileNotFoundError as error:
            raise InputError(
                f"{path}: no such file; the folder of a finished build has it"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: is not a manifest ({error}); restore or remove it"
            ) from error

    @classmethod
    def previous(cls, folder: Path) -> Self | None:
        """What a build that was finished, or begun, left in the folder; begun has no shards yet."""
        for name in (NAME, PLAN_NAME):
            if (folder / name).is_file():
                return cls.read(folder, name)
        return None

    def write(self, name: str = NAME) -> None:
        """Write it into its folder, whole or not at all."""
        shards = [asdict(shard) for shard in self.shards]
        values = {**asdict(self.plan), "shards": shards, "failures": self.failures}
        with whole_file(self.folder / name) as part:
            part.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def verify(self) -> None:
        """Compare every shard with its size, SHA-256 and number of samples.

        Raises:
            FailedInputs: Naming each shard that is missing or not as it was written.
        """
        problems = []
        for shard in self.shards:
            path = self.folder / shard.name
            if not path.is_file():
                problems.append(f"{path}: is missing; build again with --resume")
            elif describe_shard(path, shard.samples) != shard:
                problems.append(f"{path}: is not as it was written; build again with --resume")
            elif len(shard_keys(path)) != shard.samples:
                problems.append(f"{path}: does not hold {shard.samples} samples; build it again")
        if problems:
            raise FailedInputs(problems)


def library_versions() -> dict[str, str]:
    """The versions of the libraries that decide the bytes; 'none' where one is not installed."""
    versions = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "none"
    return versions
