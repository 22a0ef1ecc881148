"""Folders of small drawn inputs, builds of them, and a place in an object store."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawings import draw_disc, draw_picture

from rssn.build.builder import main as build
from rssn.imaging.writing import write_alpha, write_rgb


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs and a finished build of them, made once; tests get copies."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("foregrounds/original", "foregrounds/mask", "backgrounds"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        height, width, name = *((48, 64) if number % 2 else (64, 48)), f"photo{number}.png"
        photograph = draw_picture(number, height, width)
        write_rgb(folder / "foregrounds/original" / name, photograph)
        write_alpha(folder / "foregrounds/mask" / name, draw_disc(height, width))
    for number in range(6):
        picture = draw_picture(100 + number, 40 + 8 * number, 90)
        write_rgb(folder / "backgrounds" / f"b{number}.png", picture)
    assert build([*build_arguments(folder), "--out", str(folder / "finished")]) == 0
    return folder


def build_arguments(folder: Path) -> list[str]:
    route = folder / "route.yaml"
    route.write_text("denoise_probability: 0\nblur_sizes: [3, 5]\nk: 2\n")
    return [
        *("--foregrounds", str(folder / "foregrounds")),
        *("--backgrounds", str(folder / "backgrounds"), "--route", str(route)),
        *("--samples-per-shard", "2", "--workers", "1", "--quiet"),
    ]


@pytest.fixture
def foregrounds(made: Path, tmp_path: Path) -> Path:
    """Four photographs with mattes in original/ and mask/."""
    return Path(shutil.copytree(made / "foregrounds", tmp_path / "foregrounds"))


@pytest.fixture
def backgrounds(made: Path, tmp_path: Path) -> Path:
    """Six pictures of different sizes."""
    return Path(shutil.copytree(made / "backgrounds", tmp_path / "backgrounds"))


@pytest.fixture
def arguments(foregrounds: Path, backgrounds: Path, tmp_path: Path) -> list[str]:
    """The build command without --out: eight samples in four shards, without denoising."""
    return build_arguments(tmp_path)


@pytest.fixture
def finished(made: Path, arguments: list[str], tmp_path: Path) -> Path:
    """A finished build by one worker."""
    return Path(shutil.copytree(made / "finished", tmp_path / "finished"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An address of its own on an S3 server of our own."""
    import boto3
    import s3fs
    from moto.server import ThreadedMotoServer

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="bucket")
    s3fs.S3FileSystem.clear_instance_cache()
    yield f"s3://bucket/{tmp_path.name}/shards"  # servers of one process share what they hold
    server.stop()
