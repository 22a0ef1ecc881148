"""Folders of small drawn inputs, builds of them, and a place in an object store."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from drawings import draw_disc, draw_picture

from rssn.build.builder import main as build
from rssn.imaging.writing import write_alpha, write_rgb


@pytest.fixture
def foregrounds(tmp_path: Path) -> Path:
    """Four photographs with mattes in original/ and mask/."""
    folder = tmp_path / "foregrounds"
    for name in ("original", "mask"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        height, width = (48, 64) if number % 2 else (64, 48)
        write_rgb(folder / "original" / f"photo{number}.png", draw_picture(number, height, width))
        write_alpha(folder / "mask" / f"photo{number}.png", draw_disc(height, width))
    return folder


@pytest.fixture
def backgrounds(tmp_path: Path) -> Path:
    """Six pictures of different sizes."""
    folder = tmp_path / "backgrounds"
    folder.mkdir()
    for number in range(6):
        write_rgb(folder / f"b{number}.png", draw_picture(100 + number, 40 + 8 * number, 90))
    return folder


@pytest.fixture
def arguments(foregrounds: Path, backgrounds: Path, tmp_path: Path) -> list[str]:
    """The build command without --out: eight samples in four shards, without denoising."""
    route = tmp_path / "route.yaml"
    route.write_text("denoise_probability: 0\nblur_sizes: [3, 5]\nk: 2\n")
    return [
        *("--foregrounds", str(foregrounds), "--backgrounds", str(backgrounds)),
        *("--route", str(route), "--samples-per-shard", "2", "--workers", "1", "--quiet"),
    ]


@pytest.fixture
def finished(arguments: list[str], tmp_path: Path) -> Path:
    """A finished build by one worker."""
    out = tmp_path / "finished"
    assert build([*arguments, "--out", str(out)]) == 0
    return out


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
