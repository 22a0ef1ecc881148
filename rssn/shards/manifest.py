"""Manifest of a build: its shards, settings and failures."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, Self

from rssn.imaging.errors import InputError, one_line
from rssn.imaging.files import write_whole
from rssn.imaging.locations import Location, locate, told_errors
from rssn.shards.tars import Entry, Held, ShardInfo

NAME = "manifest.json"
INDEX_NAME = "index.json"
INDEXED = "indexed"  # content of tars that no build wrote
FINISHED = (
    "give the folder of a finished build, or run `python -m rssn.index TARS` for other WebDataset "
    "tars"
)
PLAN_NAME = "plan.json"  # until the manifest is written
_LIBRARIES = ("gfm-matting", "numpy", "opencv-python-headless", "pymatting", "numba")


@dataclass(frozen=True)
class Plan:
    """Everything that decides the bytes of a build.

    Attributes:
        configuration: All settings.
        versions: Of the libraries that compute or encode.
        inputs: Digest over the content of every used foreground and background.
    """

    configuration: dict[str, Any]
    versions: dict[str, str]
    inputs: str

    def check_same(self, before: Plan) -> None:
        """Raise an `InputError` that names a difference from the plan of a build to continue."""
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


class Origin(NamedTuple):
    """Pictures of a build that share data set and licence.

    Attributes:
        part: 'foreground' or 'background'.
        source: The data set; None if it is not known.
        licence: Likewise.
        uses: Samples that show one of them; pictures in a build of sources.
    """

    part: str
    source: str | None
    licence: str | None
    uses: int


@dataclass(frozen=True)
class Manifest:
    """Result of a build.

    Attributes:
        plan: Settings, versions and inputs.
        shards: Of the samples, or of the foregrounds in a build of sources.
        failures: One line per input that failed.
        folder: Of the manifest, and mostly of the shards: see `tars`.
        backgrounds: Shards of the backgrounds in a build of sources.
        index_sha256: Of the index beside it; None in older manifests.
        origins: Data sets and licences of the pictures; empty in older builds and tars of others.
    """

    plan: Plan
    shards: list[ShardInfo]
    failures: list[str] = field(default_factory=list)
    folder: Location = Path()
    backgrounds: list[ShardInfo] = field(default_factory=list)
    index_sha256: str | None = field(default=None, compare=False)
    origins: list[Origin] = field(default_factory=list)

    @property
    def samples(self) -> int:
        """Number of samples in all shards."""
        return sum(shard.samples for shard in self.shards)

    @property
    def content(self) -> str:
        """Content of the shards: 'composites', 'sources', or 'indexed' for tars of others."""
        return str(self.plan.configuration.get("content", "composites"))

    @property
    def kinds(self) -> dict[Held, list[ShardInfo]]:
        """Shards of a build by what their samples are."""
        first: Held = "foregrounds" if self.content == "sources" else "composites"
        return {first: self.shards, "backgrounds": self.backgrounds}

    @property
    def parts(self) -> dict[str, str] | None:
        """Members of a sample by part, in tars of others; None in a build's."""
        return self.plan.configuration["parts"] if self.content == INDEXED else None

    @property
    def tars(self) -> Location:
        """Folder of the shards: that of the manifest, except for tars indexed from elsewhere."""
        elsewhere = self.plan.configuration.get("tars")
        return self.folder if elsewhere is None else locate(elsewhere)

    @classmethod
    def read(cls, folder: Location, name: str = NAME) -> Self:
        """Read the manifest of a finished build.

        Raises:
            InputError: It is missing or cannot be read.
        """
        path = folder / name
        values = _parse(path, _read(path, FINISHED), FINISHED)
        try:
            if values.pop("sha256", None) not in (None, _digest(values)):
                raise InputError(f"{path}: was changed or damaged; restore it, or build it again")
            return cls(
                Plan(values["configuration"], values["versions"], values["inputs"]),
                [ShardInfo(**shard) for shard in values["shards"]],
                values["failures"],
                folder,
                [ShardInfo(**shard) for shard in values.get("backgrounds", [])],
                values.get("index_sha256"),
                [Origin(**origin) for origin in values.get("origins", [])],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: is not a manifest ({error!r}); restore or remove it"
            ) from error

    @classmethod
    def begin(cls, plan: Plan, folder: Location) -> Self:
        """Write the plan of a new build into its folder.

        A folder on this machine is locked meanwhile. In an object store another build may have
        begun, or even ended, since the last check: the plan is written only if there is none.

        Returns:
            The plan there now, as `previous` returns it: this one, or that of the other build.
        """
        mine, place = cls(plan, [], [], folder), folder / PLAN_NAME
        if isinstance(place, Path):
            there = cls.previous(folder)  # in case the disk cannot lock
            if there is None:
                write_whole(place, mine._encoded())
            return there or mine
        try:
            place.fs.pipe_file(place.path, mine._encoded(), mode="create")
        except Exception:  # it exists, in an error of the store, or the store cannot do this
            place.fs.invalidate_cache()
            if not place.is_file():
                write_whole(place, mine._encoded())
        place.fs.invalidate_cache()
        if (folder / NAME).is_file():  # the other one has ended
            place.unlink(missing_ok=True)
        return cls.previous(folder) or mine

    @classmethod
    def previous(cls, folder: Location) -> Self | None:
        """Manifest of a finished build, or the plan of a begun one, which has no shards yet."""
        for name in (NAME, PLAN_NAME):
            if (folder / name).is_file():
                return cls.read(folder, name)
        return None

    def write(self) -> None:
        """Write the manifest and the index of all samples into the folder, each atomically."""
        index = {info.name: info.entries for info in (*self.shards, *self.backgrounds)}
        data = json.dumps(index, separators=(",", ":")).encode()
        write_whole(self.folder / INDEX_NAME, data)
        write_whole(self.folder / NAME, self._encoded(hashlib.sha256(data).hexdigest()))

    def _encoded(self, index_sha256: str | None = None) -> bytes:
        """Content of the file, with a checksum of the rest."""
        values: dict[str, Any] = {**asdict(self.plan), "failures": self.failures}
        for part, infos in (("shards", self.shards), ("backgrounds", self.backgrounds)):
            values[part] = [
                {key: value for key, value in vars(info).items() if key != "entries"}
                for info in infos
            ]
        if self.origins:
            values["origins"] = [origin._asdict() for origin in self.origins]
        if index_sha256 is not None:
            values["index_sha256"] = index_sha256
        values["sha256"] = _digest(values)
        return (json.dumps(values, indent=2, sort_keys=True) + "\n").encode()

    def index(self) -> dict[str, list[Entry]]:
        """Entries of every shard by its name, for reading samples in any order.

        Raises:
            InputError: The index is missing, cannot be read, or belongs to other shards.
        """
        path, remedy = self.folder / INDEX_NAME, "build again with --resume"
        data = _read(path, remedy)
        if self.index_sha256 not in (None, hashlib.sha256(data).hexdigest()):
            raise InputError(f"{path}: is not as it was written; {remedy}")
        values = _parse(path, data, remedy)
        try:
            index = {name: [Entry(*entry) for entry in rows] for name, rows in values.items()}
        except (TypeError, AttributeError) as error:
            raise InputError(f"{path}: is not an index ({error}); {remedy}") from error
        for shard in (*self.shards, *self.backgrounds):
            if len(index.get(shard.name, ())) != shard.samples:
                raise InputError(f"{path}: does not fit the manifest at {shard.name}; {remedy}")
        return index


def _read(path: Location, remedy: str) -> bytes:
    with told_errors(path, remedy):
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file; {remedy}") from error


def _parse(path: Location, data: bytes, remedy: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)}); {remedy}") from error


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def library_versions(device: str) -> dict[str, str]:
    """Versions of the libraries that decide the bytes; torch denoises on a GPU only."""
    versions = {}
    for name in _LIBRARIES if device == "cpu" else (*_LIBRARIES, "torch"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "none"
    return versions
