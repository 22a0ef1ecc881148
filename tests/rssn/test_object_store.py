"""Builds into object stores: the same bytes, resumed too, and refusals that say what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_build import arguments, contents, finished  # noqa: F401 - fixtures

from rssn import Manifest, decode_sample
from rssn.build import main
from rssn.errors import InputError
from rssn.locations import Location, locate
from rssn.shards import read_entry


def files(folder: Location) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket on an S3 server of our own."""
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
    yield "s3://bucket/set/shards"
    server.stop()


def test_same_bytes_in_memory(arguments: list[str], finished: Path, tmp_path: Path) -> None:  # noqa: F811
    place = locate(f"memory://{tmp_path.name}/shards")
    options = [*arguments, "--out", str(place), "--cache", str(tmp_path / "cache")]
    assert main(options) == 0
    assert files(place) == contents(finished)
    assert main(options) == 2  # not empty
    (place / "manifest.json").unlink()
    (place / "shard-00001.tar").unlink()
    assert main([*options, "--resume"]) == 0
    assert files(place) == contents(finished)


def test_same_bytes_on_s3(
    arguments: list[str],  # noqa: F811
    finished: Path,  # noqa: F811
    store: str,
    tmp_path: Path,
) -> None:
    options = ["--workers", "2", "--out", store, "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *options]) == 0
    assert files(locate(store)) == contents(finished)
    (locate(store) / "manifest.json").unlink()
    (locate(store) / "shard-00001.tar").unlink()
    assert main([*arguments, *options, "--resume"]) == 0
    assert files(locate(store)) == contents(finished)

    manifest = Manifest.read(locate(store))
    manifest.verify()
    name, entries = next(iter(manifest.index().items()))
    sample = decode_sample(read_entry(manifest.folder / name, entries[-1]))
    assert f"{sample.record['foreground']}-k{sample.record['k']}" == entries[-1].key


@pytest.mark.slow
def test_same_bytes_on_s3_by_ray(
    arguments: list[str],  # noqa: F811
    finished: Path,  # noqa: F811
    store: str,
    tmp_path: Path,
) -> None:
    pytest.importorskip("ray")
    options = ["--executor", "ray", "--out", store, "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *options, "--workers", "2"]) == 0
    assert files(locate(store)) == contents(finished)


def test_missing_bucket_is_named(
    arguments: list[str],  # noqa: F811
    store: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del store
    out = ["--out", "s3://nowhere/shards", "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *out]) == 2
    assert "s3://nowhere/shards" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nix://bucket/x"])
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InputError, match="cannot be used"):
        locate(url)
