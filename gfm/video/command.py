"""`gfm matte clip.mp4 --out clip_alpha.mov`, or `--out frames/`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

import av
import numpy as np
from numpy.typing import NDArray

from gfm.inference.cutout import Matte
from gfm.inference.files import Results
from gfm.inference.matting import with_colours
from gfm.inference.photographs import is_expected
from gfm.models.contract import MattingModel
from gfm.models.options import MatteOptions
from gfm.video import SMOOTHING
from gfm.video.clip import Clip, Frame, open_clip, steady
from gfm.video.formats import Container, movie_container
from gfm.video.matting import FrameMatte, check_smoothing, matte_frames
from gfm.video.movie import check_encoders, open_movie
from rssn.imaging.console import Bar
from rssn.imaging.errors import FailedInputs, InputError, one_line
from rssn.imaging.files import whole_file, write_errors
from rssn.imaging.photographs import Photograph

T = TypeVar("T")

AHEAD = 2  # frames that are read, and that are written, beside the one that is matted


class Task(NamedTuple):
    """A frame to be matted: its number from 1 on, and for how many periods a movie shows it."""

    number: int
    frame: Frame
    times: int


Write = Callable[[Task, Photograph, Matte], None]


@dataclass(frozen=True)
class ClipJob:
    """A video to be matted.

    Attributes:
        path: The video.
        out: A movie, or the folder for frames.
        results: What is written of each frame; a movie shows the only one of its outputs.
        how: As for photographs.
        smoothing: Part of the earlier frames in each, as for `matte_frames`.
        skip: Leave what is there.
    """

    path: Path
    out: Path
    results: Results
    how: MatteOptions
    smoothing: float = SMOOTHING
    skip: bool = False

    def __post_init__(self) -> None:
        """Check that the options go together.

        Raises:
            InputError: They do not, or a movie is wanted and its encoder is not there.
        """
        check_smoothing(self.smoothing)
        if self.container is None:
            if self.results.folder is None:
                raise InputError("--out - takes photographs; give a movie or a folder for a video")
            return
        check_encoders(self.container)
        if self.results.outputs == ("rgba",) and self.container.see_through is None:
            raise InputError(
                f"--out {self.out}: such a movie has no alpha channel; choose .mov or .webm, or "
                "--outputs alpha or composite"
            )
        if self.results.bits != 8 or self.results.picture_format != "png":
            raise InputError("--bits and --format are for pictures; a movie has its own")

    @property
    def container(self) -> Container | None:
        """Container of the movie; None for frames."""
        return movie_container(self.out)


def matte_clip(job: ClipJob, models: Sequence[MattingModel], quiet: bool = False) -> None:
    """Matte a video into a movie or into frames.

    Raises:
        FailedInputs: The video cannot be read, or not to its end, or the results cannot be
            written.
    """
    if job.container is not None and job.skip and job.out.exists():
        return
    try:
        clip = open_clip(job.path)
        source = _Counted(clip.frames())
        tasks = _tasks(source, clip, job)
        with Bar("Matte", clip.count, quiet) as bar, _results(job, clip) as write:
            # No frame is written any more when the movie is closed, as after Ctrl-C.
            with closing(_matte_all(tasks, models, job, write)) as done:
                for _ in done:
                    bar.advance(source.number - bar.done)
            bar.advance(source.number - bar.done)
    except Exception as error:
        if not is_expected(error):
            raise
        text = one_line(error)
        named = text.startswith(str(job.path))
        raise FailedInputs([text if named else f"{job.path}: {text}"]) from None
    if lack := clip.lack(source.number, source.seconds):
        raise FailedInputs([lack])


class _Counted:
    """Passes frames on; remembers how many, and when the last of them is shown."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.frames = frames
        self.number, self.seconds = 0, 0.0

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            self.number, self.seconds = self.number + 1, frame.seconds
            yield frame


def _tasks(frames: Iterable[Frame], clip: Clip, job: ClipJob) -> Iterator[Task]:
    """The frames that are to be matted."""
    if job.container is not None:
        for number, (frame, times) in enumerate(steady(frames, clip.rate), 1):
            if times > 0:
                yield Task(number, frame, times)
        return
    for number, frame in enumerate(frames, 1):
        if not (job.skip and job.results.are_there(_name(number))):
            yield Task(number, frame, 1)


@contextmanager
def _results(job: ClipJob, clip: Clip) -> Iterator[Write]:
    """A function that writes what belongs to a frame."""
    if job.container is None:
        job.results.make_folders()
        yield lambda task, frame, made: job.results.write(_name(task.number), frame, made)
        return
    (output,) = job.results.outputs
    with (
        write_errors(f"--out {job.out}", also=av.FFmpegError),
        whole_file(job.out) as part,
        open_movie(part, job.container, clip, output == "rgba") as append,
    ):
        yield lambda task, frame, made: append(job.results.draw(output, frame, made), task.times)


def _matte_all(
    tasks: Iterator[Task],
    models: Sequence[MattingModel],
    job: ClipJob,
    write: Write,
) -> Generator[None]:
    """Matte and write in the order of the frames; yields once for each that is done.

    One thread reads ahead and one finishes and writes while the network runs here.
    """
    begun: deque[Task] = deque()

    def pictures() -> Iterator[NDArray[np.uint8]]:
        for task in _read_ahead(tasks):
            begun.append(task)
            yield task.frame.pixels

    def finish(task: Task, found: FrameMatte) -> None:
        frame = Photograph(found.pixels)
        write(task, frame, with_colours(frame, found.made, job.how))

    with ThreadPoolExecutor(1, "write") as writer:
        writing: deque[Future[None]] = deque()
        for found in matte_frames(pictures(), models, job.how, job.smoothing):
            writing.append(writer.submit(finish, begun.popleft(), found))
            while len(writing) > AHEAD:
                yield writing.popleft().result()
        for each in writing:
            yield each.result()


def _read_ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, taken from their iterator by another thread, a few before they are needed."""
    with ThreadPoolExecutor(1, "read") as reader:
        waiting = deque(reader.submit(next, items, None) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not None:
            waiting.append(reader.submit(next, items, None))
            yield item


def _name(number: int) -> str:
    return f"{number:06d}"
