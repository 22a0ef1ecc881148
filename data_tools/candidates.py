"""Candidates for backgrounds, each measured once, so that an interrupted run can continue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data_tools.duplicates import Signature, digest_of, signature
from data_tools.pictures import VIEW_SIDE, fit
from data_tools.saliency import saliency
from data_tools.work import reason
from rssn.build.executors import make_executor
from rssn.imaging.console import progress
from rssn.imaging.errors import InputError
from rssn.imaging.images import is_image_file
from rssn.imaging.reading import read_rgb

VERSION = 1  # of the measures: raise it when the same image gives other numbers


@dataclass(frozen=True)
class Candidate:
    """An image that may become a background.

    Attributes:
        path: Its file.
        stamp: Version of the measures, size and time of the measured file.
        height: In pixels, upright.
        width: In pixels, upright.
        saliency: See `data_tools.saliency`.
        signature: For comparison with others.
    """

    path: Path
    stamp: str
    height: int
    width: int
    saliency: float
    signature: Signature

    @property
    def name(self) -> str:
        """Its name in the collection, unique to the content."""
        return f"{self.path.stem}_{self.signature.digest[:8]}.jpg"


def find_images(sources: Sequence[Path]) -> list[Path]:
    """Images of folders and all their subfolders: in the order given, then by name."""
    paths: dict[Path, None] = {}
    for source in sources:
        if not source.is_dir():
            raise InputError(f"{source}: no such folder; give folders of images")
        found = sorted(path for path in source.rglob("*") if is_image_file(path))
        if not found:
            raise InputError(f"{source}: holds no image; give a folder of images")
        paths.update(dict.fromkeys(found))
    return list(paths)


def measure_all(
    paths: Sequence[Path], cache: Path, workers: int | None = None, quiet: bool = False
) -> tuple[list[Candidate], list[str]]:
    """Measure images, except those in `cache`, a file with a line per measured image.

    Returns the candidates in the order of the paths, and a line for each image that cannot be read.
    """
    known = _read_cache(cache)
    missing = [path for path in paths if path not in known]
    failures: dict[Path, str] = {}
    with make_executor("local", workers) as executor, cache.open("a", encoding="utf-8") as file:
        done = executor.run(_measure, missing)
        for number, result in progress(done, "measure", len(missing), quiet):
            if isinstance(result, str):
                failures[missing[number]] = result
            else:
                known[result.path] = result
                file.write(json.dumps(asdict(result), default=str) + "\n")
                file.flush()
    return [known[path] for path in paths if path not in failures], sorted(failures.values())


def _measure(path: Path) -> Candidate | str:
    try:
        str(path).encode()  # as `review.csv` will be
        stamp = _stamp(path)
        image = read_rgb(path)
        digest = digest_of(path)
    except UnicodeEncodeError:
        return f"{path}: its name is not UTF-8; rename it"
    except (InputError, OSError) as error:
        return reason(path, error)
    view = fit(image, VIEW_SIDE)
    height, width = image.shape[:2]
    return Candidate(path, stamp, height, width, saliency(view), signature(view, digest))


def _stamp(path: Path) -> str:
    state = path.stat()
    return f"{VERSION}-{state.st_size}-{state.st_mtime_ns}"


def _read_cache(cache: Path) -> dict[Path, Candidate]:
    """Candidates whose images are unchanged; a line that a killed run cut short is ignored."""
    known = {}
    for line in cache.read_text(encoding="utf-8").splitlines() if cache.exists() else ():
        try:
            content = json.loads(line)
            own = Signature(**content.pop("signature"))
            candidate = Candidate(Path(content.pop("path")), signature=own, **content)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if candidate.path.exists() and candidate.stamp == _stamp(candidate.path):
            known[candidate.path] = candidate
    return known
