"""`run.json`: what a run was, which shards it was trained on, and how far it got."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from gfm.models.glance_focus.config import GFMConfig
from gfm.models.registry import DEFAULT, DEFAULT_TASK
from gfm.tracking.rows import DataSet, Row, Track, row_of
from gfm.training.scores import Scores
from rssn.imaging.errors import InputError, check_choice
from rssn.imaging.files import whole_file
from rssn.imaging.locations import locate
from rssn.shards.manifest import NAME as MANIFEST

FILE = "run.json"
WANDB_KEY = "summary"  # what it is called in the configuration of a W&B run
# Options that change what is shown or kept of a training, or how fast it is, and not its course.
_NO_RECIPE = {
    "data": ("seed", "workers"),
    "trainer": (
        *("callbacks", "default_root_dir", "enable_progress_bar", "log_every_n_steps", "logger"),
        *("profiler",),
    ),
}


@dataclass(frozen=True)
class RunSummary:
    """Figures of a run that are compared.

    Attributes:
        command: `fit`, `validate` or `test`.
        dataset: Whose photographs were matted, if it is one of the paper's.
        track: What it was trained on, if it is one of the paper's tracks.
        network: The configuration of the network as a dict.
        ensemble: Those of further networks, of whose mattes the median was taken.
        weights: What a training began with: `timm:TAG`, `package`, a file of the encoder, or a
            model; None for random values.
        strategy: How photographs were matted, with the next two: see `gfm.inference.matte`.
        d1: Reduction for the glance; None is the model's own, or 3.
        d2: Reduction for the focus; None is the model's own, or 2.
        manifest_sha256: Of the manifest of the shards, which holds the SHA-256 of each of them.
        seed: Of a training.
        recipe_sha256: Of the options of a training without its seed: runs that share it differ by
            chance alone.
        model_file: The best model's file, relative to the run's folder.
        best: The validation of that file: by default the one with the smallest SAD.
        last: The last validation.
        system: Of the network.
    """

    command: str
    dataset: DataSet | None
    track: Track | None
    network: dict[str, Any]
    strategy: str
    d1: float | None
    d2: float | None
    weights: str | None = None
    manifest_sha256: str | None = None
    seed: int | None = None
    recipe_sha256: str | None = None
    model_file: str | None = None
    ensemble: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    best: Scores | None = None
    last: Scores | None = None
    system: str = DEFAULT

    @property
    def row(self) -> Row:
        """Row of the run in the paper's tables.

        Raises:
            InputError: The system has no such tables here.
        """
        if self.system != DEFAULT:
            raise InputError(
                f"a run of the system {self.system} has no row in GFM's tables; compare its mattes "
                "with `gfm evaluate`"
            )
        config, *ensemble = (
            GFMConfig.from_json(json.dumps(each)) for each in (self.network, *self.ensemble)
        )
        return row_of(config, self.dataset, self.track, self.strategy, self.d1, self.d2, ensemble)

    def as_dict(self) -> dict[str, Any]:
        """The summary in the types that JSON has."""
        return dataclasses.asdict(self)

    def write(self, folder: Path) -> None:
        """Write it as `run.json` into a folder, whole or not at all."""
        with whole_file(folder / FILE) as part:
            part.write_text(json.dumps(self.as_dict(), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def from_dict(cls, values: dict[str, Any], name: str) -> Self:
        """The summary that `as_dict` gave.

        Args:
            values: The summary.
            name: Of the run, for errors.

        Raises:
            InputError: No summary, or one with a value that this version does not know.
        """
        try:
            scores = {k: values[k] and Scores(**values[k]) for k in ("best", "last")}
            summary = cls(**{**values, **scores})
            if summary.system == DEFAULT:
                _ = summary.row
        except (TypeError, KeyError, InputError) as error:
            raise InputError(f"{name}: no summary of a run ({error}); run it again") from None
        for choice, allowed in (("dataset", DataSet), ("track", Track)):
            if getattr(summary, choice) is not None:
                check_choice(f"{name}: {choice}", getattr(summary, choice), get_args(allowed))
        return summary

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the `run.json` of a folder.

        Raises:
            InputError: There is none, or it cannot be read.
        """
        path = folder / FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read ({error}); give the folder of a run, such as "
                "runs/version_0"
            ) from None
        if not isinstance(values, dict):
            raise InputError(f"{path}: holds no summary of a run; run it again")
        return cls.from_dict(values, str(path))


def manifest_sha256(places: Sequence[str]) -> str | None:
    """SHA-256 of the manifest in a folder of shards; None where there is none.

    Of several folders it is that of their hashes, one a line, in the order given.
    """
    manifests = [locate(place) / MANIFEST for place in places]
    if not manifests or not all(manifest.is_file() for manifest in manifests):
        return None
    hashes = [hashlib.sha256(manifest.read_bytes()).hexdigest() for manifest in manifests]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def recipe_sha256(options: Mapping[str, Any]) -> str:
    """SHA-256 of what a training depends on, without its seed.

    Args:
        options: All options of a run, as in its `config.yaml`.
    """
    kept = {name: options.get(name) for name in ("model", "data", "trainer", "ema")}
    task = kept["model"]
    if isinstance(task, dict) and task.get("class_path") == DEFAULT_TASK:
        kept["model"] = task.get("init_args")  # as runs recorded it that had no other task
    for name, left_out in _NO_RECIPE.items():
        kept[name] = {k: v for k, v in (kept[name] or {}).items() if k not in left_out}
    return hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).hexdigest()
