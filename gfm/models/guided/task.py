"""Training of the light guided network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as lightning
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from gfm.guidance.bands import UNKNOWN
from gfm.metrics import METRICS
from gfm.metrics.inputs import as_mattes
from gfm.models.guided.config import GuidedConfig
from gfm.models.guided.data import GuidedBatch
from gfm.models.guided.loss import losses
from gfm.models.guided.network import Guided
from gfm.models.guided.predict import predict
from rssn.imaging.errors import InputError

MEASURED = ("sad", "mse", "grad")
WARM_UP = 100  # steps
ENCODER = "encoder.body."  # of a glance_focus model on an EfficientNet-Lite


class GuidedTask(lightning.LightningModule):
    """The network and how it is trained.

    Args:
        config: The network.
        encoder: Model file of `glance_focus` whose encoder it begins with.
        model: Weights of such a network to begin with instead.
        learning_rate: Largest of the schedule, for the decoder.
        encoder_learning_rate: That of the encoder.
        weight_decay: Of weights with more than one dimension.
        decay: Steps at the end over which the rates fall to 0.
        ema: Weight of the past in the average that is validated.
    """

    def __init__(
        self,
        config: GuidedConfig | None = None,
        encoder: str | None = None,
        model: str | None = None,
        learning_rate: float = 8e-4,
        encoder_learning_rate: float = 3e-4,
        weight_decay: float = 0.01,
        decay: int = 1000,
        ema: float = 0.999,
    ) -> None:
        super().__init__()
        self.rates = (encoder_learning_rate, learning_rate)
        self.weight_decay, self.decay = weight_decay, decay
        self.model = Guided(config)
        if model is not None:
            self.model.load_state_dict(load_file(model))
        elif encoder is not None:
            load_encoder(self.model, Path(encoder))
        self.model = self.model.to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.model, multi_avg_fn=moving(ema), use_buffers=True)
        self.figures: list[dict[str, float]] = []

    def training_step(self, batch: GuidedBatch, index: int) -> Tensor:
        """The weighted sum of the losses on one batch."""
        del index
        image = batch.image.contiguous(memory_format=torch.channels_last)
        hints = batch.guidance.contiguous(memory_format=torch.channels_last)
        made = self.model(image, hints)
        with torch.autocast(self.device.type, enabled=False):
            colours = (batch.foreground, batch.background)
            terms = losses(made, image, batch.alpha, batch.unknown, colours, batch.composed)
        if not torch.isfinite(terms["total"]):
            raise InputError(f"the loss is {terms['total']} at step {self.global_step}")
        self.log_dict({f"loss_{name}": value for name, value in terms.items()}, on_step=True)
        return terms["total"]

    def on_train_batch_end(self, *_: Any) -> None:  # noqa: ANN401 - outputs, batch and its index
        """Average the weights after each step."""
        self.average.update_parameters(self.model)

    def validation_step(self, photograph: list[Any], index: int) -> None:
        """Errors on one photograph, by convention `dim` in the unknown region."""
        del index
        _, image, trimap, alpha = photograph
        network = cast(Guided, self.average.module.eval())
        with torch.autocast(self.device.type, enabled=False):
            made = predict(network, image, trimap).alpha
        pair = as_mattes(made, alpha, "dim")
        errors = {name: METRICS[name].errors(*pair, "dim") for name in MEASURED}
        unknown = trimap == UNKNOWN
        self.figures.append({n: METRICS[n].reduce(e[unknown]) for n, e in errors.items()})

    def on_validation_epoch_end(self) -> None:
        """Log the means."""
        names = self.figures[0] if self.figures else []
        for name in names:
            values = [figures[name] for figures in self.figures]
            self.log(f"val_{name}", sum(values) / len(values))
        self.figures = []

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning takes several forms
        """AdamW, whose rates rise, stay, and fall to 0 at the end: a run can be prolonged."""
        encoder = [*self.model.encoder.parameters()]
        known = {id(parameter) for parameter in encoder}
        rest = [each for each in self.model.parameters() if id(each) not in known]
        groups = []
        for parameters, rate in zip((encoder, rest), self.rates, strict=True):
            for decays in (True, False):
                chosen = [each for each in parameters if (each.ndim > 1) is decays]
                decay = self.weight_decay if decays else 0.0
                groups.append({"params": chosen, "lr": rate, "weight_decay": decay})
        optimizer = torch.optim.AdamW(groups)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer,
            lambda step: rate_factor(step, self.trainer.max_steps, self.decay),
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


Tensors = tuple[Tensor, ...] | list[Tensor]


def moving(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    """A moving average that forgets fast as long as it has seen few weights.

    Args:
        decay: Weight of the past in the long run.
    """

    def update(averages: Tensors, values: Tensors, count: Tensor | int) -> None:
        steps = float(count)
        share = 1 - min(decay, (1 + steps) / (10 + steps))
        if averages[0].is_floating_point():  # tensors of one type come together
            torch._foreach_lerp_(averages, values, share)
        else:
            torch._foreach_copy_(averages, values)

    return update


def rate_factor(step: int, steps: int, decay: int) -> float:
    """Factor on the learning rates: a short rise, 1, and a line down to 0 over the last steps."""
    return min(1.0, (step + 1) / WARM_UP, max(steps - step, 0) / decay)


def load_encoder(network: Guided, path: Path) -> None:
    """Give a network the encoder of an automatic model."""
    stored = load_file(path)
    state = {k.removeprefix(ENCODER): v.float() for k, v in stored.items() if k.startswith(ENCODER)}
    network.encoder.load_state_dict(state)
