"""Builds into object stores: the same bytes, resumed too, and refusals that say what to do."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest
from builds import contents

from gfm.data.crops import CropOptions
from gfm.data.loader import CropBatches, TrainingLoader
from gfm.data.sets import open_training_set
from rssn import Manifest, decode_sample
from rssn.build.builder import main
from rssn.imaging.errors import InputError
from rssn.imaging.locations import locate, store_of
from rssn.inspection.command import main as inspect
from rssn.shards.tars import read_entry

pytestmark = pytest.mark.integration

SECONDS = 2.0  # without an answer, after which a request is given up in these tests
Fault = Literal["", "500", "503", "stall", "cut"]
SLOW_503, SLOW_STALL = (pytest.param(name, marks=pytest.mark.slow) for name in ("503", "stall"))


def test_same_bytes_in_memory(arguments: list[str], finished: Path, tmp_path: Path) -> None:
    place = locate(f"memory://{tmp_path.name}/shards")
    options = [*arguments, "--out", str(place), "--cache", str(tmp_path / "cache")]
    assert main(options) == 0
    assert contents(place) == contents(finished)
    assert main(options) == 2  # not empty
    (place / "manifest.json").unlink()
    (place / "shard-00001.tar").unlink()
    assert main([*options, "--resume"]) == 0
    assert contents(place) == contents(finished)


def test_same_bytes_on_s3(arguments: list[str], finished: Path, store: str, tmp_path: Path) -> None:
    options = ["--workers", "2", "--out", store, "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *options]) == 0
    assert contents(locate(store)) == contents(finished)
    (locate(store) / "manifest.json").unlink()
    (locate(store) / "shard-00001.tar").unlink()
    assert main([*arguments, *options, "--resume"]) == 0
    assert contents(locate(store)) == contents(finished)

    manifest = Manifest.read(locate(store))
    name, entries = next(iter(manifest.index().items()))
    sample = decode_sample(read_entry(manifest.folder / name, entries[-1]))
    assert f"{sample.record['foreground']}-k{sample.record['k']}" == entries[-1].key


@pytest.mark.slow
def test_same_bytes_on_s3_by_ray(
    arguments: list[str], finished: Path, store: str, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    options = ["--executor", "ray", "--out", store, "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *options, "--workers", "2"]) == 0
    assert contents(locate(store)) == contents(finished)


@pytest.mark.usefixtures("store")
def test_missing_bucket_is_named(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", "s3://nowhere/shards", "--cache", str(tmp_path / "cache")]
    assert main([*arguments, *out]) == 2
    assert "s3://nowhere/shards" in capsys.readouterr().err


class Proxy(ThreadingHTTPServer):
    """Stands between a client and a store, and answers some requests wrongly or not at all.

    Attributes:
        choose: Given the request's number and path, what goes wrong with it.
        faults: How often each fault came.
    """

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind.removeprefix("http://")
        self.choose: Callable[[int, str], Fault] = lambda number, path: ""
        self.numbers, self.faults = itertools.count(), Counter[str]()

    def handle_error(self, *_: object) -> None:
        """Clients that hang up are wanted here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.choose(next(self.server.numbers), self.path)
        self.server.faults[fault] += 1
        if fault in ("500", "503"):
            self.send_response(int(fault))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if fault == "stall":
            time.sleep(3 * SECONDS)
            self.close_connection = True
            return
        store = http.client.HTTPConnection(self.server.behind)
        store.request(self.command, self.path, body, dict(self.headers))
        reply = store.getresponse()
        data = reply.read()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        if fault == "cut":
            self.close_connection = True
            data = data[: len(data) // 2]
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        """No lines on stderr."""


@pytest.fixture
def proxy(store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The store's own faults and delays, with retries that wait less than usual."""
    import fsspec
    import s3fs

    proxy = Proxy(os.environ["AWS_ENDPOINT_URL"])
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.server_port}")
    times = {"read_timeout": SECONDS, "connect_timeout": SECONDS, "retries": {"max_attempts": 2}}
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config_kwargs": times})
    s3fs.S3FileSystem.clear_instance_cache()
    yield proxy
    proxy.shutdown()
    s3fs.S3FileSystem.clear_instance_cache()


def put(folder: Path, address: str) -> str:
    """Copy a build into a store."""
    for path in folder.iterdir():
        if path.is_file():
            (locate(address) / path.name).write_bytes(path.read_bytes())
    return address


def keys_and_crops(address: str, workers: int = 0) -> dict[str, bytes]:
    """A crop of every sample, as training reads them."""
    crops = CropBatches(open_training_set(address), CropOptions(sides=(32,), size=32), 2)
    batches = TrainingLoader(crops, workers)
    return {
        key: image.numpy().tobytes()
        for batch in batches
        for key, image in zip(batch.keys, batch.image, strict=True)
    }


def test_the_store_of_a_location_is_its_own() -> None:
    place = locate("memory://anywhere")
    assert store_of(place) is place.fs


def test_workers_of_a_loader_read_from_a_store(finished: Path, store: str) -> None:
    """Also where they are forked from a process that has read from it."""
    address = put(finished, store)
    assert keys_and_crops(address, workers=2) == keys_and_crops(str(finished))


def test_a_build_goes_on_over_faults(
    arguments: list[str], finished: Path, store: str, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.choose = lambda number, path: ("", "", "500", "", "cut")[number % 5]
    options = [*arguments, "--out", store, "--cache", str(tmp_path / "cache")]
    assert main(options) == 0
    assert proxy.faults["500"] > 2 and proxy.faults["cut"] > 2
    proxy.choose = lambda number, path: ""
    assert contents(locate(store)) == contents(finished)


@pytest.mark.parametrize("fault", ["500", SLOW_503, SLOW_STALL])
def test_a_store_that_fails_ends_a_build_in_one_line_and_a_resume_finishes(
    fault: Fault,
    arguments: list[str],
    finished: Path,
    store: str,
    proxy: Proxy,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [*arguments, "--out", store, "--cache", str(tmp_path / "cache")]
    proxy.choose = lambda number, path: fault if "shard-00002" in path else ""
    began = time.monotonic()
    assert main(options) == 2
    assert time.monotonic() - began < 120  # and no request hangs for ever
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {store}/shard-00002.tar: ") and "--resume" in told
    proxy.choose = lambda number, path: ""
    assert not (locate(store) / "manifest.json").exists()
    assert main([*options, "--resume"]) == 0
    assert contents(locate(store)) == contents(finished)


@pytest.mark.parametrize("fault", ["500", "cut", SLOW_STALL])
def test_a_store_that_fails_ends_training_by_the_name_of_the_object(
    fault: Fault, finished: Path, store: str, proxy: Proxy
) -> None:
    put(finished, store)
    proxy.choose = lambda number, path: fault if "shard-00002" in path else ""
    with pytest.raises(InputError, match=rf"{store}/shard-00002\.tar: .*network") as caught:
        keys_and_crops(store)
    assert "\n" not in str(caught.value)
    proxy.choose = lambda number, path: fault
    with pytest.raises(InputError, match=rf"{store}/manifest\.json: .*network"):
        open_training_set(store)


def test_a_store_that_fails_ends_an_inspection_in_one_line(
    finished: Path, store: str, proxy: Proxy, capsys: pytest.CaptureFixture[str]
) -> None:
    put(finished, store)
    proxy.choose = lambda number, path: "500"
    assert inspect([store, "--workers", "1", "--quiet"]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {store}: ") and "network" in told


@pytest.mark.slow
def test_a_hundred_random_faults(
    arguments: list[str],
    finished: Path,
    store: str,
    proxy: Proxy,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Build and read again and again over a store of which every fourth answer is wrong."""
    moments, counts, wanted = random.Random(0), Counter[str](), keys_and_crops(str(finished))

    def choose(number: int, path: str) -> Fault:
        return moments.choice(("500", "503", "cut", "stall")) if moments.random() < 0.25 else ""

    proxy.choose = choose
    while sum(proxy.faults.values()) - proxy.faults[""] < 100:
        place = f"{store}{counts.total()}"
        options = [*arguments, "--out", place, "--cache", str(tmp_path / "cache"), "--resume"]
        code = main(options)
        told = capfd.readouterr().err.splitlines()
        assert (code, len(told)) in ((0, 0), (2, 1)), told
        counts["builds told"] += code == 2
        while code:
            code = main(options)
        capfd.readouterr()
        try:
            assert keys_and_crops(place) == wanted
            counts["readings whole"] += 1
        except InputError as error:
            assert place in str(error)
            counts["readings told"] += 1
        proxy.choose = lambda number, path: ""
        assert contents(locate(place)) == contents(finished)
        counts["builds whole"] += 1
        proxy.choose = choose
    with capfd.disabled():
        sys.stdout.write(f"\n{dict(counts)}, {dict(proxy.faults)}\n")
