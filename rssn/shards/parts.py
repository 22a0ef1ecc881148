"""Parts of a sample in any WebDataset: image, matte, and F and B if it has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rssn.imaging.errors import InputError
from rssn.imaging.images import SUFFIXES
from rssn.shards.tars import Members

Parts = Mapping[str, str]  # part, such as 'alpha', to member, such as 'png' or 'mask.png'

# Names of members elsewhere, before their suffix.
KNOWN: dict[str, tuple[str, ...]] = {
    "composite": ("composite", "image", "img", "photo", "original", "input", "merged", "rgb"),
    "alpha": ("alpha", "matte", "pha", "mask", "gt"),
    "foreground": ("foreground", "fg", "fgr"),
    "background": ("background", "bg", "bgr"),
}
OPTIONS = {"composite": "image"}  # names of the command line that differ


def name_parts(members: Members, parts: Parts | None) -> dict[str, bytes]:
    """Encoded parts of a sample by their names.

    `parts` are the members by part; None if each member has its part's name, as in a build.
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
    """Find the parts of a sample by the names of its members, such as 'jpg' or 'mask.png'.

    `given` is the user's choice: a member for a part, or 'none'; None leaves it to the names.
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
    # Without a name, a PNG is the matte if there is another image.
    bare = [each for each, name in images.items() if not name and each not in chosen.values()]
    if "alpha" not in chosen and "png" in bare and ("composite" in chosen or len(bare) == 2):
        chosen["alpha"] = "png"
        bare.remove("png")
    if "composite" not in chosen and len(bare) == 1:
        chosen["composite"] = bare[0]
    if not {"composite", "alpha"} <= chosen.keys():
        raise InputError(
            f"the names {sorted(extensions)} do not identify image and matte; name them, e.g. "
            "--image jpg --alpha mask.png"
        )
    return {part: chosen[part] for part in KNOWN if chosen.get(part, "none") != "none"}


def _is_image(extension: str) -> bool:
    return f".{extension.rpartition('.')[2]}" in SUFFIXES


def _fits(extension: str, name: str) -> bool:
    """Return True if a member has that name, with or without the suffix of an image."""
    return extension == name or (_is_image(extension) and extension.rpartition(".")[0] == name)
