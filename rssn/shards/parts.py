"""The parts of a sample in any WebDataset: image, matte, and F and B where it has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rssn.imaging.errors import InputError
from rssn.imaging.images import SUFFIXES
from rssn.shards.tars import Members

Parts = Mapping[str, str]  # of a part, such as 'alpha', to its member, such as 'png' or 'mask.png'

# What members are called elsewhere, in front of their suffix.
KNOWN: dict[str, tuple[str, ...]] = {
    "composite": ("composite", "image", "img", "photo", "original", "input", "merged", "rgb"),
    "alpha": ("alpha", "matte", "pha", "mask", "gt"),
    "foreground": ("foreground", "fg", "fgr"),
    "background": ("background", "bg", "bgr"),
}
PARTS = tuple(KNOWN)
OPTIONS = {"composite": "image"}  # the words of the command line, where they differ


def name_parts(members: Members, parts: Parts | None) -> dict[str, bytes]:
    """The encoded parts of a sample by their names.

    Args:
        members: Of the sample.
        parts: Which member is which part; None where each member has its part's name, as in the
            shards of `rssn.build`.

    Raises:
        InputError: A part is missing.
    """
    if parts is None:
        return {extension.partition(".")[0]: data for extension, data in members.items()}
    found = {}
    for part, name in parts.items():
        fitting = [extension for extension in members if _fits(extension, name)]
        if len(fitting) != 1:
            called = OPTIONS.get(part, part)
            raise InputError(f"has no {called} ({name}), or several, among {sorted(members)}")
        found[part] = members[fitting[0]]
    return found


def choose_parts(extensions: Iterable[str], given: Mapping[str, str | None]) -> dict[str, str]:
    """Tell by the names of its members which part of a sample is where.

    Args:
        extensions: Of one sample, such as 'jpg' or 'mask.png'.
        given: What the user says: a name for a part, or 'none'; None leaves it to the names.

    Raises:
        InputError: Image or matte cannot be told, or a given name is not there.
    """
    images = {each: each.rpartition(".")[0] for each in sorted(extensions) if _is_image(each)}
    chosen = {part: name for part, name in given.items() if name is not None}
    for part, name in chosen.items():
        if name != "none" and not any(_fits(each, name) for each in images):
            raise InputError(
                f"--{OPTIONS.get(part, part)} {name}: the first sample has no such image, but "
                f"{sorted(images)}"
            )
    for part, known in KNOWN.items():
        names = [name for name in known if name in images.values()]
        if part not in chosen and names:
            chosen[part] = names[0]
    # Those without a name: a PNG is the matte where there is another one, or an image by its name.
    bare = [each for each, name in images.items() if not name and each not in chosen.values()]
    if "alpha" not in chosen and "png" in bare and ("composite" in chosen or len(bare) == 2):
        chosen["alpha"] = "png"
        bare.remove("png")
    if "composite" not in chosen and len(bare) == 1:
        chosen["composite"] = bare[0]
    if not {"composite", "alpha"} <= chosen.keys():
        raise InputError(
            f"the names {sorted(extensions)} do not tell the image and its matte; name them, such "
            "as --image jpg --alpha mask.png"
        )
    return {part: chosen[part] for part in KNOWN if chosen.get(part, "none") != "none"}


def _is_image(extension: str) -> bool:
    return f".{extension.rpartition('.')[2]}" in SUFFIXES


def _fits(extension: str, name: str) -> bool:
    """True if a member has that name, with or without the suffix of an image."""
    return extension == name or (_is_image(extension) and extension.rpartition(".")[0] == name)
