"""Training shards and photographs, as Lightning takes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from gfm.data.close_ups import CloseUpOptions, CloseUps
from gfm.data.crops import CropOptions
from gfm.data.loader import CropBatches, TrainingLoader, Turn
from gfm.data.material import MaterialOptions, MaterialSet
from gfm.data.mixture import Part, open_mixture
from gfm.data.position import count_present_batches
from gfm.data.samples import Targets
from gfm.data.sets import TrainingSet, open_training_set
from gfm.data.turns import TaskPart, open_tasks
from gfm.data.weighted import DrawnSamples
from gfm.models.contract import Licence
from rssn.build.sources import find_sources, read_source
from rssn.imaging.errors import InputError
from rssn.imaging.files import make_folder
from rssn.imaging.images import image_files
from rssn.imaging.reading import read_rgb
from rssn.route.compose import RouteOptions
from rssn.shards.material import Material


class Photographs(Dataset[tuple[str, NDArray[np.uint8], NDArray[np.float32]]]):
    """Whole photographs with their mattes, for validation.

    Args:
        folder: Holds `original/` and `mask/` with equal names.
        side: Photographs are shrunk to this shorter side, in pixels; None keeps their size.
    """

    def __init__(self, folder: Path, side: int | None = None) -> None:
        self.sources, failures = find_sources(folder)
        if failures:
            raise InputError(f"validation photographs: {'; '.join(failures)}")
        self.side = side

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> tuple[str, NDArray[np.uint8], NDArray[np.float32]]:
        source = self.sources[index]
        pixels = read_source(source, self.side)
        return source.id, pixels.image, pixels.alpha


class Pictures(Dataset[tuple[Path, NDArray[np.uint8]]]):
    """Photographs without mattes, each with the file that its matte goes to.

    Args:
        folder: Holds the photographs.
        out: Folder of the mattes; each is a PNG with the photograph's name.
    """

    def __init__(self, folder: Path, out: Path) -> None:
        self.paths = image_files(folder)
        self.targets = [out / f"{path.stem}.png" for path in self.paths]
        if len(set(self.targets)) < len(self.targets):
            raise InputError(f"{folder}: two photographs differ in their endings alone; rename one")
        make_folder(out)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Path, NDArray[np.uint8]]:
        return self.targets[index], read_rgb(self.paths[index])


class GFMData(lightning.LightningDataModule):
    """Shards to train on, photographs to validate on, photographs to matte.

    Args:
        shards: What to train on: the folder, or address in an object store, that `rssn.build` wrote
            (finished composites, or sources to compose anew every epoch) or `rssn.index` indexed,
            or a folder with `original/` and `mask/`.
        validation: Folder with `original/` and `mask/`; without it nothing is validated.
        photographs: Folder of the photographs that `predict` mattes.
        mattes: Folder that `predict` writes the mattes to, as grey PNGs.
        targets: Maker of the crops' targets; the command line takes it from the task.
        crop: How crops are taken from the training images.
        batch_size: Crops a step, on each device.
        workers: Processes that load; 0 loads in the training process.
        validation_side: Shorter side to which validation photographs are shrunk, in pixels.
        seed: Decides the order and the crops of every epoch; the command line takes it from
            `seed_everything`.
        skip_bad: So many damaged samples are left out, each named in the log; one more ends the
            run, as the first does with 0.
        route: For shards of sources, another route than the one they were built for.
        mixture: In place of `shards`, several of them, some repeated.
        material: In place of `shards`, a file of pictures (`rssn.shards.material`), from which
            samples are drawn without end.
        draw: How samples are drawn from the material.
        close_ups: In place of `draw`: crops at the object's edge are drawn, with F and B.
        augment: File of an albumentations pipeline that augments every crop in place of `crop.flip`
            and `crop.jitter`, as `albumentations.save(..., data_format="yaml")` writes it.
        tasks: In place of `shards`, sets of several tasks, through which an epoch goes in turn.
    """

    def __init__(
        self,
        shards: str | None = None,
        validation: str | None = None,
        photographs: str | None = None,
        mattes: str | None = None,
        targets: Any = None,  # noqa: ANN401 - of `Targets`, a protocol that no parser can build
        crop: CropOptions | None = None,
        batch_size: int = 32,
        workers: int = 2,
        validation_side: int | None = None,
        seed: int = 0,
        skip_bad: int = 0,
        route: RouteOptions | None = None,
        mixture: list[Part] | None = None,
        material: str | None = None,
        draw: MaterialOptions | None = None,
        augment: str | None = None,
        tasks: list[TaskPart] | None = None,
        close_ups: CloseUpOptions | None = None,
    ) -> None:
        super().__init__()
        self.shards, self.validation = shards, validation
        self.targets: Targets | None = targets
        self.photographs, self.mattes = photographs, mattes
        self.crop = crop or CropOptions()
        self.batch_size, self.workers = batch_size, workers
        self.validation_side, self.seed = validation_side, seed
        self.skip_bad, self.route, self.mixture = skip_bad, route, mixture
        self.tasks = tasks
        self.material, self.draw, self.close_ups = material, draw, close_ups
        self.augment = None if augment is None else Path(augment)
        self.position: dict[str, int] | None = None
        self.loader: TrainingLoader | None = None

    def train_dataloader(self) -> TrainingLoader:
        """Crops of every sample once an epoch, in batches."""
        if self.batch_size < 1 or self.workers < 0 or self.skip_bad < 0:
            raise InputError(
                f"data.batch_size={self.batch_size}, data.workers={self.workers}, data.skip_bad="
                f"{self.skip_bad}: wanted 1 or more crops, and no negative numbers"
            )
        samples = self.samples()
        turn = Turn()
        if self.trainer is not None:
            turn = Turn(self.trainer.global_rank, self.trainer.world_size)
        batches = CropBatches(
            samples,
            self.crop,
            self.batch_size,
            self.seed,
            self.skip_bad,
            turn,
            self.augment,
            self.targets,
        )
        self.loader = TrainingLoader(batches, self.workers)
        if self.position is not None:
            self.loader.load_state_dict(self.position)
            if self.trainer is not None:
                count_present_batches(self.trainer, self.loader)
        return self.loader

    @property
    def places(self) -> list[str]:
        """Places of the training data: `shards`, or those of each part of the mixture or task."""
        named = [place for place in (self.shards, self.material) if place is not None]
        parts = [*(self.mixture or ()), *(self.tasks or ())]
        return [*named, *(part.shards for part in parts)]

    def samples(self) -> TrainingSet:
        """Open the training data.

        Raises:
            InputError: None is named, or it cannot be opened.
        """
        named = {
            "shards": self.shards,
            "mixture": self.mixture,
            "material": self.material,
            "tasks": self.tasks,
        }
        given = [f"data.{name}" for name, value in named.items() if value is not None]
        if len(given) > 1:
            raise InputError(f"{' and '.join(given)} are both set; give one of them")
        if self.route is not None and self.shards is None:
            raise InputError(
                "data.route has no effect without data.shards; each part of data.mixture takes a "
                "route of its own, and data.draw decides for data.material"
            )
        for name in ("draw", "close_ups"):
            if getattr(self, name) is not None and self.material is None:
                raise InputError(f"data.{name} has no effect without data.material; leave it out")
        if self.material is not None:
            self._check_crop_of_material()
            if self.close_ups is not None:
                return CloseUps(Material(self.material), self.close_ups)
            return MaterialSet(Material(self.material), self.draw or MaterialOptions())
        if self.mixture is not None:
            return open_mixture(self.mixture, self.seed)
        if self.tasks is not None:
            return open_tasks(self.tasks, self.seed)
        if self.shards is None:
            raise InputError("data.shards is not set; give the folder that rssn.build wrote")
        return open_training_set(self.shards, self.route, self.seed)

    def _check_crop_of_material(self) -> None:
        usual = CropOptions()
        for name in ("sides", "transition", "flip", "jitter", "gamma", "twice"):
            if getattr(self.crop, name) != getattr(usual, name):
                raise InputError(
                    f"data.crop.{name} has no effect with data.material, whose views data.draw "
                    "decides; leave it out"
                )
        for name in ("draw", "augment"):
            if self.close_ups is not None and getattr(self, name) is not None:
                raise InputError(f"data.{name} has no effect with data.close_ups; leave it out")

    def licences(self) -> list[Licence]:
        """Sources and licences of the training data."""
        samples = self.samples() if self.loader is None else self.loader.dataset.samples
        return samples.licences()

    def hashes(self) -> dict[str, NDArray[np.uint64]]:
        """Perceptual hashes of the training pictures by source; of material alone."""
        samples = self.loader.dataset.samples if self.loader is not None else None
        return samples.pictures.material.hashes if isinstance(samples, DrawnSamples) else {}

    def state_dict(self) -> dict[str, int]:
        """Return the position in the training data; Lightning keeps it in every checkpoint."""
        return self.loader.state_dict() if self.loader is not None else {}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue at the position of the checkpoint."""
        self.position = state or None

    def val_dataloader(self) -> DataLoader[Any] | list[Any]:
        """Whole photographs, one at a time."""
        if self.validation is None:
            return []
        photographs = Photographs(Path(self.validation), self.validation_side)
        return DataLoader(photographs, batch_size=None, collate_fn=_as_it_is)

    def test_dataloader(self) -> DataLoader[Any] | list[Any]:
        """The same photographs as for validation."""
        return self.val_dataloader()

    def predict_dataloader(self) -> DataLoader[Any]:
        """Photographs to matte, one at a time, with the files to write."""
        if self.photographs is None or self.mattes is None:
            raise InputError(
                "predict needs data.photographs, a folder of images, and data.mattes, the folder "
                "to write to; set both"
            )
        pictures = Pictures(Path(self.photographs), Path(self.mattes))
        return DataLoader(pictures, batch_size=None, collate_fn=_as_it_is)


def _as_it_is(photograph: object) -> object:
    """Keep arrays arrays, where the loader would make tensors of them."""
    return photograph
