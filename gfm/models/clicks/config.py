"""Options of a network of interactive segmentation."""

from __future__ import annotations

from dataclasses import dataclass, fields

from rssn.imaging.errors import InputError


@dataclass(frozen=True)
class ClicksConfig:
    """A network of interactive segmentation; the default is the published one.

    Attributes:
        stream: The interaction stream (+I of the ablation). Without it the previous matte is a
            further channel of the image stream.
        feedback: The previous matte is fed back (+F); False puts 0 in its place in the stream.
        guided_filter: The learned guided filter ends the network (+G).
    """

    stream: bool = True
    feedback: bool = True
    guided_filter: bool = True

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: A value that is not supported.
        """
        for field in fields(self):
            if not isinstance(value := getattr(self, field.name), bool):
                raise InputError(f"{field.name}={value!r}: give true or false")
