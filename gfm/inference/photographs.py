"""One photograph after another, while others are read and written."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from gfm.inference.doubt import Doubt
from gfm.inference.files import Results, Source
from gfm.inference.matting import predict, with_colours
from gfm.inference.review import predict_reviewed
from gfm.models.contract import MattingModel, Prediction, System
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError
from rssn.imaging.photographs import Photograph

Reviewer = Callable[[Source, Photograph, Prediction, Doubt], None]

AHEAD = 2  # photographs that are read, and that are written, beside the one that is matted


def matte_all(
    sources: Sequence[Source],
    system: System,
    models: Sequence[MattingModel],
    how: MatteOptions,
    results: Results,
    review: Reviewer | None = None,
) -> Iterator[tuple[Source, Exception | None]]:
    """Matte and write; yields each photograph when it is done, with what went wrong.

    Args:
        sources: The photographs.
        system: Of the models.
        models: As `gfm.inference.matting.check_models` returns them.
        how: How.
        results: What is written.
        review: Gets each matte with the doubt about it.

    Note:
        One thread reads ahead and one finishes and writes while the network runs here, unless
        memory is limited: then one photograph is in memory at a time.
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
                guidance = source.read_guidance(photograph.pixels)
                if review is None:
                    made = predict(system, models, photograph, guidance, how)
                else:
                    made, doubt = predict_reviewed(system, models, photograph, guidance, how)
                    review(source, photograph, made, doubt)
            except Exception as error:
                if not is_expected(error):
                    raise
                yield source, error
                continue
            task = partial(_finish, source, photograph, made, how, results)
            writing.append((source, writer.submit(task)))
            del photograph, made  # or they stay while the next is read
            while len(writing) > ahead:
                yield _settled(*writing.popleft())
        for source, written in writing:
            yield _settled(source, written)


def _finish(
    source: Source,
    photograph: Photograph,
    made: Prediction,
    how: MatteOptions,
    results: Results,
) -> None:
    results.write(source.name, photograph, with_colours(photograph, made, how))


def _settled(source: Source, written: Future[None]) -> tuple[Source, Exception | None]:
    try:
        written.result()
    except Exception as error:
        if not is_expected(error):
            raise
        return source, error
    return source, None


def is_expected(error: Exception) -> bool:
    """Return True for what may go wrong with one photograph alone."""
    if isinstance(error, InputError | OSError | MemoryError):
        return True
    torch = sys.modules.get("torch")  # it raises nothing where nobody has loaded it
    return torch is not None and isinstance(error, torch.OutOfMemoryError)
