"""Shards that a disk, a network or a person damaged: found by inspection and loader, by name."""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from drawings import draw_disc, draw_picture

sys.path.insert(0, str(Path(__file__).parents[1]))  # pytest puts it there only for tests of it

from mutations import cut_short, flip_bits, mutate

from gfm.data.crops import CropOptions, Cropper
from gfm.data.sets import open_training_set
from rssn.build.builder import main as build
from rssn.imaging.errors import InputError
from rssn.imaging.writing import write_alpha, write_rgb
from rssn.inspection import command as inspection

CONTENTS = ("composites", "sources")
CROPPER = Cropper(CropOptions(size=32))
Spoil = Callable[[Path, np.random.Generator], str]  # returns the name of the file that it spoils


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of each content, of two shards and more."""
    folder = tmp_path_factory.mktemp("builds")
    for name in ("original", "mask", "bg"):
        (folder / name).mkdir()
    for number in range(3):
        write_rgb(folder / "original" / f"p{number}.png", draw_picture(number))
        write_alpha(folder / "mask" / f"p{number}.png", draw_disc())
        write_rgb(folder / "bg" / f"b{number}.png", draw_picture(9 + number, 50, 90))
    for content in CONTENTS:
        given = ["--foregrounds", str(folder), "--backgrounds", str(folder / "bg"), "--k", "2"]
        given += ["--out", str(folder / content), "--content", content, "--route", "blur"]
        assert build([*given, "--samples-per-shard", "2", "--workers", "1", "--quiet"]) == 0
        shutil.rmtree(folder / content / ".cache")
    return folder


def bits_of_a_shard(folder: Path, rng: np.random.Generator) -> str:
    return rewrite(any_shard(folder, rng), lambda data: flip_bits(data, rng))


def cut_of_a_shard(folder: Path, rng: np.random.Generator) -> str:
    return rewrite(any_shard(folder, rng), lambda data: cut_short(data, rng))


def anything_of_a_shard(folder: Path, rng: np.random.Generator) -> str:
    return rewrite(any_shard(folder, rng), lambda data: mutate(data, rng))


def head_of_a_member(folder: Path, rng: np.random.Generator) -> str:
    path = any_shard(folder, rng)
    with tarfile.open(path) as tar:
        heads = [member.offset for member in tar]
    begin = heads[int(rng.integers(len(heads)))]
    return rewrite(
        path, lambda d: d[:begin] + flip_bits(d[begin : begin + 512], rng) + d[begin + 512 :]
    )


def bytes_of_a_member(folder: Path, rng: np.random.Generator) -> str:
    """Members of every kind in turn."""
    path = any_shard(folder, rng)
    with tarfile.open(path) as tar:
        members = [(member.offset_data, member.size) for member in tar]
    begin, size = members[int(rng.integers(len(members)))]
    end = begin + size
    return rewrite(path, lambda d: d[:begin] + flip_bits(d[begin:end], rng) + d[end:])


def index(folder: Path, rng: np.random.Generator) -> str:
    return rewrite(folder / "index.json", lambda data: mutate(data, rng))


def manifest(folder: Path, rng: np.random.Generator) -> str:
    return rewrite(folder / "manifest.json", lambda data: mutate(data, rng))


def missing_file(folder: Path, rng: np.random.Generator) -> str:
    path = any_shard(folder, rng)
    path.unlink()
    return path.name


def two_shards_swapped(folder: Path, rng: np.random.Generator) -> str:
    one, other, *_ = sorted(folder.glob("*.tar"))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    return one.name


def samples_in_another_order(folder: Path, rng: np.random.Generator) -> str:
    path = next(path for path in sorted(folder.glob("*.tar")) if len(members_of(path)) > 3)
    members = members_of(path)
    half = len(members) // 2
    return rewrite(path, lambda _: as_tar(members[half:] + members[:half]))


def member_left_out(folder: Path, rng: np.random.Generator) -> str:
    path = any_shard(folder, rng)
    members = members_of(path)
    del members[int(rng.integers(len(members)))]
    return rewrite(path, lambda _: as_tar(members))


def member_doubled(folder: Path, rng: np.random.Generator) -> str:
    path = any_shard(folder, rng)
    members = members_of(path)
    place = int(rng.integers(len(members)))
    return rewrite(path, lambda _: as_tar([*members[: place + 1], *members[place:]]))


WAYS: dict[Spoil, int] = {  # and how often the slow suite tries them
    bits_of_a_shard: 40,
    cut_of_a_shard: 40,
    anything_of_a_shard: 40,
    head_of_a_member: 30,
    bytes_of_a_member: 40,
    index: 40,
    manifest: 40,
    missing_file: 5,
    two_shards_swapped: 1,
    samples_in_another_order: 1,
    member_left_out: 10,
    member_doubled: 10,
}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("spoil", WAYS, ids=lambda spoil: spoil.__name__)
def test_damage_is_found(spoil: Spoil, content: str, builds: Path, tmp_path: Path, capfd) -> None:
    check_damage(spoil, content, builds, tmp_path, capfd, 1)


@pytest.mark.slow
@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("spoil", WAYS, ids=lambda spoil: spoil.__name__)
def test_damage_is_found_every_time(
    spoil: Spoil, content: str, builds: Path, tmp_path: Path, capfd
) -> None:
    found = check_damage(spoil, content, builds, tmp_path, capfd, WAYS[spoil])
    with capfd.disabled():
        sys.stdout.write(f"\n{content}, {spoil.__name__}: {dict(found)}\n")


def check_damage(
    spoil: Spoil, content: str, builds: Path, tmp_path: Path, capfd, count: int
) -> Counter[str]:
    """Damage a copy so many times; each is found by both, or leaves every crop as it was."""
    rng, counts = np.random.default_rng(3), Counter[str]()
    whole = list(crops(builds / content))
    for number in range(count):
        folder = tmp_path / f"{content}{number}"
        shutil.copytree(builds / content, folder)
        name = spoil(folder, rng)
        capfd.readouterr()
        code = inspection.main([str(folder), "--workers", "1", "--quiet"])
        told = capfd.readouterr().err
        try:
            same = all(
                np.array_equal(one, other) for one, other in zip(crops(folder), whole, strict=True)
            )
            counts["loader: harmless" if same else "loader: silent"] += 1
        except InputError as error:
            counts["loader: named"] += 1
            same = False
            assert name in str(error)
        if code == 0:
            counts["inspect: harmless" if same else "inspect: silent"] += 1
        else:
            counts["inspect: named"] += 1
            assert name in told and "Traceback" not in told
    assert counts["loader: silent"] == counts["inspect: silent"] == 0, counts
    return counts


def crops(folder: Path) -> Iterator[np.ndarray]:
    """A crop of every sample: image and alpha."""
    samples = open_training_set(folder)
    for number in range(len(samples)):
        planes, _ = samples.crop(number, 0, CROPPER, np.random.default_rng(number))
        yield np.dstack([planes.image, planes.alpha])


def any_shard(folder: Path, rng: np.random.Generator) -> Path:
    shards = sorted(folder.glob("*.tar"))
    return shards[int(rng.integers(len(shards)))]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> str:
    path.write_bytes(change(path.read_bytes()))
    return path.name


def members_of(path: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


def as_tar(members: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()
