"""Training of iMatting with Lightning: three tasks in turn (Forte's thesis, section 5.2.2)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gfm.data.samples import Batch
from gfm.data.turns import task_of
from gfm.evaluation.interaction import Session
from gfm.guidance.clicks import Clicks
from gfm.guidance.maps import gaussian_maps
from gfm.guidance.simulated_user import User, click_on_costliest_error
from gfm.guidance.trimap import SIGMAS
from gfm.models.clicks.loss import click_by_click_loss
from gfm.models.fba.config import DILATED, FBAConfig
from gfm.models.fba.loss import LossConfig, fba_loss
from gfm.models.fba.network import FBA, AlphaFB
from gfm.models.imatting.network import IMatting
from gfm.models.imatting.predict import matte
from gfm.models.imatting.targets import IMattingTargets
from gfm.training.click_by_click import click_by_click
from gfm.training.click_task import ClickTask, click_tensors
from rssn.imaging.errors import InputError

MASK = 0.5  # alpha above is the object
LOSS = LossConfig(alpha=("l1", "composition", "laplacian"))  # equation 5.2: no gradient term


class IMattingTask(ClickTask):
    """A network and how it is trained, validated and applied; the defaults are the published ones.

    Args:
        backbone: As in `FBAConfig`.
        mean: Subtracted from images in [0, 1], per channel; ImageNet's when None.
        std: Divisor of the difference, per channel; ImageNet's when None.
        weights: Weights of the encoder to start from, a file for `dilated_resnet50`.
        model: A model file to start from instead: FBA, as published, or iMatting.
        clicks: Clicks on an image of segmentation, with an update after each.
        first_update: Click of interactive matting from which on the weights are updated.
        learning_rate: Of RAdam.
        weight_decay: Of all weights.
        norm_weight_decay: Of norms and biases.
        validation_clicks: Clicks on a photograph in validation.
    """

    configuration = FBAConfig
    model: IMatting

    def __init__(
        self,
        backbone: str = DILATED,
        mean: tuple[float, float, float] | None = None,
        std: tuple[float, float, float] | None = None,
        weights: str | None = None,
        model: str | None = None,
        clicks: int = 4,
        first_update: int = 4,
        learning_rate: float = 1e-5,
        weight_decay: float = 0.0005,
        norm_weight_decay: float = 0.0005,
        validation_clicks: int = 5,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.save_hyperparameters()
        for name in ("clicks", "first_update", "validation_clicks"):
            if (value := self.hparams[name]) < 1:
                raise InputError(f"model.{name}={value}: give 1 or more")
        if model is not None:
            self.model = _as_imatting(self.start_from(model, IMatting, FBA))
        else:
            self.model = IMatting(self.network_config(FBAConfig), weights)

    def targets(self) -> IMattingTargets:
        """Numbers of clicks and trimaps."""
        return IMattingTargets()

    def user(self) -> User:
        """User of chapter 5, who clicks on the largest squared error."""
        return click_on_costliest_error

    def begin(self, image: NDArray[np.uint8]) -> Session:
        """A session; nothing but the clicks is remembered."""
        return lambda clicks: matte(self.model, image, clicks).alpha

    def train_on(self, batch: Batch, number: int) -> None:
        """Train on one crop by the task that its key names."""
        task = task_of(batch.keys[number])
        train = {
            "segmentation": self._segment,
            "matting": self._matte_by_clicks,
            "trimap": self._matte_by_trimap,
        }
        if task not in train:
            raise InputError(
                f"sample {batch.keys[number]} belongs to no task; give data.tasks with "
                f"{', '.join(train)}"
            )
        train[task](batch, number)

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of matting a batch by its trimaps."""
        known = batch.targets.known
        return self._matting_terms(self._run(batch.image, known), batch, known, slice(None))

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) of a batch by its trimaps."""
        return self._run(batch.image, batch.targets.known).alpha

    def _segment(self, batch: Batch, number: int) -> None:
        image = batch.image[number : number + 1]
        target = (batch.alpha[number : number + 1] > MASK).float()

        def predict(clicks: Clicks, previous: NDArray[np.float32]) -> Tensor:
            del previous
            return self._run(image, click_tensors(clicks, SIGMAS, image)[0]).alpha

        truth, count = target[0, 0].cpu().numpy(), int(self.hparams["clicks"])
        for clicks, alpha in click_by_click(predict, truth, self.user(), count, clean=False):
            masks, _ = click_tensors(clicks, SIGMAS, image)
            self.update(click_by_click_loss(alpha, target, masks), [batch.keys[number]])

    def _matte_by_clicks(self, batch: Batch, number: int) -> None:
        image, first = batch.image[number : number + 1], int(self.hparams["first_update"])
        made: list[AlphaFB] = []

        def predict(clicks: Clicks, previous: NDArray[np.float32]) -> Tensor:
            del previous
            with torch.set_grad_enabled(len(clicks) >= first):
                made.append(self._run(image, click_tensors(clicks, SIGMAS, image)[0]))
            return made[-1].alpha

        truth, count = batch.alpha[number, 0].cpu().numpy(), int(batch.targets.clicks[number])
        for clicks, _ in click_by_click(predict, truth, self.user(), count, clean=False):
            if len(clicks) >= first:
                masks, _ = click_tensors(clicks, SIGMAS, image)
                terms = self._matting_terms(made[-1], batch, masks, slice(number, number + 1))
                self.update(terms, [batch.keys[number]])

    def _matte_by_trimap(self, batch: Batch, number: int) -> None:
        chosen = slice(number, number + 1)
        known = batch.targets.known[chosen]
        terms = self._matting_terms(self._run(batch.image[chosen], known), batch, known, chosen)
        self.update(terms, [batch.keys[number]])

    def _run(self, image: Tensor, known: Tensor) -> AlphaFB:
        """Alpha, F and B as predicted, not fused, from known pixels (B, 2, H, W)."""
        sets = known.cpu().numpy() > 0
        maps = torch.from_numpy(np.stack([gaussian_maps(each, SIGMAS) for each in sets]))
        return self.model.activate(self.model.logits(image, known, maps.to(image)))

    def _matting_terms(
        self, made: AlphaFB, batch: Batch, known: Tensor, chosen: slice
    ) -> dict[str, Tensor]:
        if batch.foreground is None or batch.background is None:
            raise InputError(
                f"sample {batch.keys[0]} has no foreground and background, which the loss of "
                "matting needs; give shards of composites as data.composites"
            )
        target = AlphaFB(batch.alpha[chosen], batch.foreground[chosen], batch.background[chosen])
        unknown = 1 - known.sum(dim=1, keepdim=True)
        with torch.autocast(self.device.type, enabled=False):
            return fba_loss(made, target, batch.image[chosen], unknown, LOSS)


def _as_imatting(started: IMatting | FBA) -> IMatting:
    """A network of iMatting or FBA as one of iMatting."""
    if isinstance(started, IMatting):
        return started
    network = IMatting(started.config)
    network.load_state_dict(started.state_dict())
    network.licences = started.licences
    return network
