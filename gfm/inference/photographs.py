"""One photograph after another, while others are read and written."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.inference import MatteOptions, predict, with_colours
from gfm.inference.files import Results, Source
from gfm.inference.matting_model import MattingModel
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import Photograph

EXPECTED = (InputError, OSError, MemoryError, torch.OutOfMemoryError)  # of one photograph alone
AHEAD = 2  # photographs that are read, and that are written, beside the one that is matted


def matte_all(
    sources: Sequence[Source],
    models: Sequence[MattingModel],
    how: MatteOptions,
    results: Results,
) -> Iterator[tuple[Source, Exception | None]]:
    """Matte and write; yields each photograph when it is done, with what went wrong.

    One thread reads ahead and one finishes and writes while the network runs here, unless memory
    is limited: then one photograph is in memory at a time.
    """
    ahead = AHEAD if how.max_memory is None else 0
    with ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        waiting = deque(sources)
        reading: deque[tuple[Source, Future[Photograph]]] = deque()
        writing: deque[tuple[Source, Future[None]]] = deque()
        while waiting or reading:
            while waiting and len(reading) <= ahead:
                source = waiting.popleft()
                reading.append((source, reader.submit(source.read)))
            source, read = reading.popleft()
            try:
                photograph = read.result()
                alpha, trimap = predict([photograph.pixels], models, how)[0]
            except EXPECTED as error:
                yield source, error
                continue
            task = partial(_finish, source, photograph, alpha, trimap, how, results)
            writing.append((source, writer.submit(task)))
            del photograph, alpha, trimap  # or they stay while the next is read
            while len(writing) > ahead:
                yield _settled(*writing.popleft())
        for source, written in writing:
            yield _settled(source, written)


def _finish(
    source: Source,
    photograph: Photograph,
    alpha: NDArray[np.float32],
    trimap: NDArray[np.uint8],
    how: MatteOptions,
    results: Results,
) -> None:
    results.write(source.name, photograph, with_colours(photograph, alpha, trimap, how))


def _settled(source: Source, written: Future[None]) -> tuple[Source, Exception | None]:
    try:
        written.result()
    except EXPECTED as error:
        return source, error
    return source, None


def describe(device: torch.device, asked: str) -> str:
    """The device, and why it was taken."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    if asked != "auto":
        return str(device)
    reason = "this PyTorch is built without CUDA" if torch.version.cuda is None else "no GPU found"
    return f"{device} ({reason})"
