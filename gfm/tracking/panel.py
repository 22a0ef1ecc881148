"""A fixed panel of validation photographs: what the network makes of them as it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytorch_lightning as lightning
from numpy.typing import NDArray

from gfm.evaluation.report_page import fit_page
from gfm.inference.cutout import Matte
from gfm.tracking.loggers import run_folder, wandb_loggers
from gfm.training.task import MattingTask
from gfm.training.validation import gather_by_name
from rssn.imaging.drawing import grey
from rssn.imaging.errors import InputError
from rssn.imaging.writing import encode_rgb

FOLDER = "panel"
GAP = 4  # px between the parts
TOO_OPAQUE, TOO_CLEAR = (255, 160, 0), (0, 160, 255)  # told apart by colour-blind readers too


class ValidationPanel(lightning.Callback):
    """Callback that saves pictures of validation photographs in `panel/` and on W&B.

    Each validation leaves one picture per photograph: the photograph, the trimap that the network
    saw, its further maps (the focus of GFM), alpha, and the error map.

    Args:
        count: How many photographs, the first in name order; 0 keeps none.
    """

    def __init__(self, count: int = 4) -> None:
        super().__init__()
        if count < 0:
            raise InputError(f"panel.count={count}: give 0 or more photographs")
        self.count = count
        self.pictures: dict[str, bytes] = {}

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning hands on what the step returned
        batch: Any,  # noqa: ANN401 - and what the data gave
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw one of the first photographs of this process."""
        if trainer.sanity_checking or batch_idx >= self.count:
            return
        name, photograph, reference = batch
        task = cast(MattingTask, pl_module)
        made: Matte = outputs["matte"]
        maps = task.panel_maps(photograph)
        picture = panel_picture(photograph, made.trimap, maps, made.alpha, reference)
        self.pictures[name] = encode_rgb(picture)

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Write the pictures of all processes."""
        if trainer.sanity_checking or self.count == 0:
            return
        # The first of all are among the first of each process.
        pictures = list(gather_by_name(self.pictures).items())[: self.count]
        self.pictures = {}
        folder = run_folder(trainer)
        if folder is None or not trainer.is_global_zero:
            return
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        paths = [folder / FOLDER / f"{name}_{trainer.global_step:08}.jpg" for name, _ in pictures]
        for path, (_, encoded) in zip(paths, pictures, strict=True):
            path.write_bytes(encoded)
        for logger in wandb_loggers(trainer):
            logger.log_image(
                FOLDER,
                [str(path) for path in paths],
                trainer.global_step,
                caption=[name for name, _ in pictures],
            )


def panel_picture(
    photograph: NDArray[np.uint8],
    trimap: NDArray[np.uint8],
    maps: Sequence[NDArray[np.float32]],
    alpha: NDArray[np.float32],
    reference: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Photograph, trimap, focus, alpha and error map side by side.

    Args:
        photograph: uint8 RGB (H, W, 3).
        trimap: What the glance decoder saw (H, W): 0 background, 1 transition, 2 foreground.
        maps: Further maps (H, W) in [0, 1], such as the focus.
        alpha: Predicted matte (H, W) in [0, 1].
        reference: Its reference (H, W) in [0, 1].

    Returns:
        uint8 RGB (h, W, 3), each part (h, w) at most 320 px wide and high.
    """
    levels = (trimap / 2).astype(np.float32)
    middle = (grey(each) for each in (levels, *maps, alpha))
    parts = (photograph, *middle, error_map(alpha, reference))
    gap = ((0, 0), (0, GAP), (0, 0))
    shown = [np.pad(fit_page(part), gap, constant_values=128) for part in parts]
    return np.hstack(shown)[:, :-GAP]


def error_map(alpha: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The error as uint8 RGB (H, W, 3): black is right, orange too opaque, blue too transparent."""
    error = (alpha - reference)[..., None]
    colours = np.where(error > 0, np.array(TOO_OPAQUE), np.array(TOO_CLEAR))
    shown: NDArray[np.uint8] = np.rint(np.abs(error) * colours).astype(np.uint8)
    return shown
