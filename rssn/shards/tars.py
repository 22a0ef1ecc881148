"""Shards: tar files of samples that WebDataset reads, written atomically."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from numpy.typing import NDArray

from rssn.imaging.errors import InputError
from rssn.imaging.files import whole_file
from rssn.imaging.images import ImageFormat, Uint8Image
from rssn.imaging.locations import Location, store_of, told_errors
from rssn.imaging.reading import decode_alpha, decode_rgb
from rssn.imaging.writing import encode_alpha, encode_rgb
from rssn.route.compose import Composite, Record

Members = dict[str, bytes]  # extension, such as 'composite.jpg', to encoded bytes
MEMBERS = ("composite", "alpha", "foreground", "background", "record")
Content = Literal["composites", "sources"]
Held = Literal["composites", "foregrounds", "backgrounds"]  # by the samples of one shard
# As WebDataset splits the names of members: a key, with its folders, and what follows the dot.
_NAME = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)")


class Entry(NamedTuple):
    """Place of a sample in its shard: its key, first byte, number of bytes, and their CRC-32."""

    key: str
    offset: int
    size: int
    crc: int


@dataclass(frozen=True)
class ShardInfo:
    """A shard in the manifest: file name, number of samples, size in bytes and SHA-256.

    Attributes:
        entries: Its samples in order, if the shard was just written or described; the index beside
            the manifest stores them.
    """

    name: str
    samples: int
    bytes: int
    sha256: str
    entries: tuple[Entry, ...] = field(default=(), compare=False, repr=False)


def sample_key(foreground_id: str, k: int) -> str:
    """Key of a composite, unique for each (foreground, k)."""
    return f"{safe_key(foreground_id)}-k{k}"


def safe_key(name: str) -> str:
    """A readable key, unique for each name, without the dots at which WebDataset splits."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name)
    safe = safe[:64]
    if safe != name:  # 'a.b' and 'a_b' must not meet
        safe += "-" + hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return safe


def encode_sample(
    sample: Composite, image_format: ImageFormat = "jpg", alpha_png: bytes | None = None
) -> Members:
    """Encode a sample as members of a shard; `alpha_png` is its matte if encoded already."""
    images = {"foreground": sample.foreground, "background": sample.background}
    return {
        f"composite.{image_format}": encode_rgb(sample.composite, image_format),
        "alpha.png": encode_alpha(sample.alpha) if alpha_png is None else alpha_png,
        **encode_images(images, sample.record, image_format),
    }


def encode_images(
    images: Mapping[str, Uint8Image], record: Record, image_format: ImageFormat
) -> Members:
    """Encode named images and a record as members of a sample."""
    return {
        **{f"{name}.{image_format}": encode_rgb(images[name], image_format) for name in images},
        "record.json": json.dumps(record, sort_keys=True).encode(),
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
    try:
        record = json.loads(by_name["record"])
    except ValueError as error:
        raise InputError(f"a sample's record is not JSON ({error}); build it again") from error
    images = decode_parts({name: by_name[name] for name in MEMBERS})
    return Composite(**images, record=record)


def decode_parts(parts: Mapping[str, bytes]) -> dict[str, NDArray[Any]]:
    """Decode the images among the parts of a sample."""
    decode = {"alpha": decode_alpha}
    return {
        part: decode.get(part, decode_rgb)(data, f"its {part}")
        for part, data in parts.items()
        if part != "record"
    }


def split_name(name: str) -> tuple[str, str] | None:
    """Key and extension of a member, as in WebDataset; None if it belongs to no sample."""
    found = _NAME.fullmatch(name)
    return (found[1], found[2].lower()) if found else None


def write_shard(path: Location, samples: Iterable[tuple[str, Members]]) -> ShardInfo:
    """Write samples, keys and members, to a `.tar` atomically.

    The bytes depend on the samples alone.
    """
    count = 0
    with whole_file(path) as part:
        with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
            for key, members in samples:
                count += 1
                for extension, data in members.items():
                    add_member(tar, f"{key}.{extension}", data)
        return describe_shard(part, count, path.name)


def add_member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file to a tar, with fixed times, owners and modes: those of `TarInfo`."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def describe_shard(path: Location, samples: int, name: str | None = None) -> ShardInfo:
    """Size, SHA-256 and entries of a shard file; a damaged one has no entries."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        size = file.seek(0, io.SEEK_END)
        try:
            entries = tuple(_entries(file, path))
        except InputError:
            entries = ()
    return ShardInfo(name or path.name, samples, size, digest, entries)


def read_shard(path: Location, samples: int | None = None) -> Iterator[tuple[str, Members]]:
    """Yield keys and members of a shard of composites, each sample checked to be whole.

    Args:
        path: The shard.
        samples: Required number, from the manifest.

    Raises:
        InputError: The file is damaged or cut short, or a sample lacks a member.
    """
    entries = list_entries(path)
    if samples is not None and len(entries) != samples:
        raise InputError(f"{path}: holds {len(entries)} samples, not {samples}; build it again")
    for entry in entries:
        yield entry.key, read_entry(path, entry)


def first_extensions(path: Location) -> list[str]:
    """Members of a shard's first sample, by their names without the key."""
    with _opened(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        named = (split_name(member.name) for member in tar if member.isreg())
        for _, names in groupby(filter(None, named), lambda name: name[0]):
            return [extension for _, extension in names]
    raise InputError(f"{path}: holds no samples")


def list_entries(path: Location) -> tuple[Entry, ...]:
    """Positions of the samples of a shard, in order; an `InputError` if it is damaged."""
    with _opened(path) as file:
        return tuple(_entries(file, path))


def read_entry(path: Location, entry: Entry, names: tuple[str, ...] | None = MEMBERS) -> Members:
    """Read the members of one sample in one piece, and compare them with the index.

    `names` are the required members, in order; None allows any. An `InputError` if the shard is
    missing, damaged or cut short, or the sample lacks a member.
    """
    if isinstance(path, Path):
        with _opened(path) as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
    else:  # one request, in place of those that a file object makes
        with told_errors(path, "build it again"):
            end = entry.offset + entry.size
            data = store_of(path).cat_file(path.path, start=entry.offset, end=end)
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise InputError(
            f"{path}: sample {entry.key} is damaged or cut short; build again with --resume "
            "(python -m rssn.inspect names all that is damaged)"
        )
    return _members(data, path, entry.key, names)


def _members(data: bytes, path: Location, key: str, names: tuple[str, ...] | None) -> Members:
    """Members in the bytes of one sample."""
    members = Members()
    found: tuple[str, ...] = ()
    with (
        told_errors(path, "build it again"),
        tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar,
    ):
        for member in tar:
            if not (name := member.isreg() and split_name(member.name)):
                continue
            stem, extension = name
            if stem != key:
                raise InputError(f"{path}: holds {stem} in place of sample {key}; build it again")
            found += (extension.partition(".")[0],)  # doubled ones too
            members[extension] = data[member.offset_data : member.offset_data + member.size]
    if names is not None and found != names:
        raise InputError(f"{path}: sample {key} holds {found}, not {names}; build it again")
    return members


def _entries(file: IO[bytes], path: Location) -> Iterator[Entry]:
    """Samples of an open shard, in order."""
    named = ((split_name(header.name), header) for header in _headers(file, path) if header.isreg())
    samples = ((name[0], header) for name, header in named if name is not None)
    for key, members in groupby(samples, lambda member: member[0]):
        headers = [header for _, header in members]
        begin, last = headers[0].offset, headers[-1]
        size = last.offset_data + -(-last.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE - begin
        file.seek(begin)
        yield Entry(key, begin, size, zlib.crc32(file.read(size)))


def _headers(file: IO[bytes], path: Location) -> list[tarfile.TarInfo]:
    """Headers of an open shard; an `InputError` if its end is missing."""
    size = file.seek(0, io.SEEK_END)
    file.seek(-min(2 * tarfile.BLOCKSIZE, size), io.SEEK_END)
    # A tar without the zero blocks at its end was cut; readers do not detect it.
    if file.read().strip(b"\0") or size % tarfile.BLOCKSIZE or not size:
        raise InputError(f"{path}: is cut short; build it again with --resume")
    file.seek(0)
    with told_errors(path, "build it again"), tarfile.open(fileobj=file, mode="r:") as tar:
        return tar.getmembers()


@contextmanager
def _opened(path: Location) -> Iterator[IO[bytes]]:
    with told_errors(path, "build it again"), path.open("rb") as file:
        yield file
