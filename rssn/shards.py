"""Shards: tar files of samples that WebDataset reads, whole or not there at all."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rssn._files import whole_file
from rssn.errors import InputError
from rssn.images import ImageFormat, decode_alpha, decode_rgb, encode_alpha, encode_rgb
from rssn.route import Composite

Members = dict[str, bytes]  # extension, such as 'composite.jpg', to encoded bytes
MEMBERS = ("composite", "alpha", "foreground", "background", "record")


@dataclass(frozen=True)
class ShardInfo:
    """What the manifest says of a shard: file name, samples, size in bytes and SHA-256."""

    name: str
    samples: int
    bytes: int
    sha256: str


def sample_key(foreground_id: str, k: int) -> str:
    """The key of a sample: readable, one for each (foreground, k), without WebDataset's dots."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in foreground_id)
    safe = safe[:64]
    if safe != foreground_id:  # 'a.b' and 'a_b' must not meet
        safe += "-" + hashlib.blake2b(foreground_id.encode(), digest_size=4).hexdigest()
    return f"{safe}-k{k}"


def encode_sample(
    sample: Composite, image_format: ImageFormat = "jpg", alpha_png: bytes | None = None
) -> Members:
    """Encode a sample as the members of a shard; alpha is lossless with 8 bits.

    Args:
        sample: The sample.
        image_format: 'jpg' (quality 95, 4:4:4), 'png' or 'webp' (both lossless).
        alpha_png: The encoded matte where it is at hand.
    """
    return {
        f"composite.{image_format}": encode_rgb(sample.composite, image_format),
        "alpha.png": encode_alpha(sample.alpha) if alpha_png is None else alpha_png,
        f"foreground.{image_format}": encode_rgb(sample.foreground, image_format),
        f"background.{image_format}": encode_rgb(sample.background, image_format),
        "record.json": json.dumps(sample.record, sort_keys=True).encode(),
    }


def decode_sample(members: Mapping[str, bytes]) -> Composite:
    """Decode the members of a sample.

    Raises:
        InputError: A member is missing or cannot be decoded.
    """
    by_name = {extension.partition(".")[0]: data for extension, data in members.items()}
    missing = [name for name in MEMBERS if name not in by_name]
    if missing:
        raise InputError(f"a sample lacks {missing}; build its shard again with --resume")
    return Composite(
        composite=decode_rgb(by_name["composite"], "composite"),
        alpha=decode_alpha(by_name["alpha"], "alpha"),
        foreground=decode_rgb(by_name["foreground"], "foreground"),
        background=decode_rgb(by_name["background"], "background"),
        record=json.loads(by_name["record"]),
    )


def write_shard(path: Path, samples: Iterable[tuple[str, Members]]) -> ShardInfo:
    """Write a shard; it appears under its name only when it is whole.

    The bytes depend on the samples alone: times, owners and modes are fixed.

    Args:
        path: The `.tar` to write.
        samples: Keys and members, in order.
    """
    count = 0
    with whole_file(path) as part:
        with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
            for key, members in samples:
                count += 1
                for extension, data in members.items():
                    member = tarfile.TarInfo(f"{key}.{extension}")
                    member.size, member.mode, member.mtime = len(data), 0o644, 0
                    tar.addfile(member, io.BytesIO(data))
        return describe_shard(part, count, path.name)


def describe_shard(path: Path, samples: int, name: str | None = None) -> ShardInfo:
    """Size and SHA-256 of a shard file that holds so many samples."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ShardInfo(name or path.name, samples, path.stat().st_size, digest)


def read_shard(path: Path, samples: int | None = None) -> Iterator[tuple[str, Members]]:
    """Yield keys and members, each sample checked to be whole.

    Args:
        path: The shard.
        samples: How many it has to hold, where the manifest is at hand.

    Raises:
        InputError: The file is damaged, cut short, or a sample lacks a member.
    """
    count = 0
    for key, members in _grouped(path):
        count += 1
        names = tuple(extension.partition(".")[0] for extension in members)
        if names != MEMBERS:
            raise InputError(f"{path}: sample {key} holds {names}, not {MEMBERS}; build it again")
        yield key, members
    if samples is not None and count != samples:
        raise InputError(f"{path}: holds {count} samples, not {samples}; build it again")


def shard_keys(path: Path) -> list[str]:
    """The keys of a shard, in order; reads headers only.

    Raises:
        InputError: The file is damaged, cut short, or a sample lacks a member.
    """
    names = [name.partition(".") for name, _ in _members(path, with_data=False)]
    keys = [names[i][0] for i in range(0, len(names), len(MEMBERS))]
    wanted = [(key, member) for key in keys for member in MEMBERS]
    if [(key, extension.partition(".")[0]) for key, _, extension in names] != wanted:
        raise InputError(f"{path}: a sample lacks a member; build it again")
    return keys


def _grouped(path: Path) -> Iterator[tuple[str, Members]]:
    current, members = "", Members()
    for name, data in _members(path):
        key, _, extension = name.partition(".")
        if key != current and members:
            yield current, members
            members = {}
        current = key
        members[extension] = data
    if members:
        yield current, members


def _members(path: Path, with_data: bool = True) -> Iterator[tuple[str, bytes]]:
    try:
        with path.open("rb") as file:
            file.seek(-min(2 * tarfile.BLOCKSIZE, path.stat().st_size), io.SEEK_END)
            # Without the zero blocks at its end a tar was cut, which readers do not notice.
            if file.read().strip(b"\0") or file.tell() % tarfile.RECORDSIZE or not file.tell():
                raise InputError(f"{path}: is cut short; build it again with --resume")
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in tar:
                    content = tar.extractfile(member) if with_data else None
                    yield member.name, content.read() if content else b""
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{path}: cannot be read ({error}); build it again") from error
