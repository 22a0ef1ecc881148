"""Validation of networks that take clicks, by a simulated user."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray

from gfm.evaluation.interaction import Session, interact, measure
from gfm.guidance.simulated_user import User
from gfm.inference.cutout import Matte
from gfm.inference.matting import with_colours
from gfm.models.contract import Prediction
from gfm.training.task import MattingTask, Photograph
from gfm.training.validation import photograph_errors
from rssn.imaging.photographs import as_photograph

TARGET = 0.9  # intersection over union that validation counts the clicks to


class ClickValidation(MattingTask):
    """A task whose photographs are corrected by a simulated user in validation and test.

    A subclass has the option `validation_clicks`.
    """

    @abstractmethod
    def begin(self, image: NDArray[np.uint8]) -> Session:
        """A session on a photograph (H, W, 3), from nothing."""

    @abstractmethod
    def user(self) -> User:
        """The simulated user of training and validation."""

    def validation_step(self, photograph: Photograph, index: int) -> dict[str, Matte]:
        """Correct one photograph by simulated clicks; callbacks get the last matte."""
        del index
        return {"matte": self._correct(photograph)}

    def test_step(self, photograph: Photograph, index: int) -> dict[str, Matte]:
        """As `validation_step`."""
        del index
        return {"matte": self._correct(photograph)}

    def _correct(self, photograph: Photograph) -> Matte:
        name, image, truth = photograph
        count = int(self.hparams["validation_clicks"])
        with torch.autocast(self.device.type, enabled=False):
            session = self.begin(image)
            steps = list(interact(lambda *_: session, image, truth, self.user(), count))
        measured = measure(steps, truth, count)
        alpha = steps[-1].alpha if steps else np.zeros(truth.shape, np.float32)
        reached = [iou >= TARGET for iou in measured.ious]
        self.errors[name] = photograph_errors(alpha, truth) | {
            "iou": measured.ious[-1],
            "auc": float(np.mean(measured.ious)),
            "noc90": float(reached.index(True) + 1 if any(reached) else count),
        }
        return with_colours(as_photograph(image), Prediction(alpha), self.matte_options())
