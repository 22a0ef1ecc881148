"""Configurations of networks: plain values, which their weights carry as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Self

from rssn.imaging.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class SystemConfig:
    """The configuration of one network; each system derives its own frozen dataclass from it."""

    def to_json(self) -> str:
        """The configuration as JSON with sorted keys, as it is kept beside the weights."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The configuration that `to_json` wrote.

        Raises:
            InputError: Not a configuration, or an entry that this version does not know.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"the model's configuration cannot be read ({error}); make the file again"
            ) from None
        if not isinstance(values, dict):
            raise InputError("the model's configuration is no set of options; make the file again")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InputError(
                f"the model's configuration holds {', '.join(unknown)}, which this version does "
                "not know; update the project"
            )
        tuples = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**tuples)  # JSON has lists alone
