"""Training of the light click network."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gfm.checkpoints.files import load_network
from gfm.data.samples import Batch
from gfm.evaluation.interaction import Session
from gfm.guidance.clicks import Clicks
from gfm.guidance.simulated_user import User, click_on_largest_error
from gfm.models.light_clicks.config import LightClicksConfig
from gfm.models.light_clicks.graphs import engine_of
from gfm.models.light_clicks.loss import losses
from gfm.models.light_clicks.maps import gaussians
from gfm.models.light_clicks.network import NEAR, LightClicks
from gfm.models.light_clicks.practice import Person, halved
from gfm.models.light_clicks.predict import correct
from gfm.models.light_clicks.scenes import Scene, draw_scene, draw_start
from gfm.models.light_clicks.targets import PracticeSeed
from gfm.models.registry import get_system
from gfm.training.click_validation import ClickValidation
from gfm.training.task import Schedule
from rssn.imaging.errors import InputError

FROZEN = 2  # first stages of the encoder that keep their weights, and so does its stem
BETWEEN = (0.5, 0.2, 0.15, 0.15)  # shares of 0 to 3 clicks between the two that are learnt from
REPEATED = (0.4, 0.3, 0.3)  # shares of 0 to 2 passes on its own answer after these clicks
AGAIN = 0.35  # share of the batches in which the second that is learnt from has no new click


class LightClicksTask(ClickValidation):
    """The network and how it is trained, validated and applied.

    Every crop is encoded once, and learnt from twice: after the first click or stroke, and after a
    later one, or after a pass on the network's own answer.

    Args:
        backbone: As in `LightClicksConfig`.
        widths: As in `LightClicksConfig`.
        side: As in `LightClicksConfig`.
        encoder: Model file of `glance_focus` on the same backbone whose encoder it begins with.
        weights: Weights of the encoder to begin with instead; see
            `gfm.encoders.build.build_encoder`.
        model: A model file to start from instead; its configuration counts then.
        learning_rate: Largest of the schedule, for the head.
        encoder_learning_rate: That of the encoder.
        schedule: `constant`, or `cosine` down to 0 after a short rise.
        weight_decay: Of weights with more than one dimension.
        validation_clicks: Clicks on a photograph in validation.
    """

    network_options = ("backbone", "widths", "side")
    model: LightClicks

    def __init__(
        self,
        backbone: str = "tf_efficientnet_lite0",
        widths: tuple[int, ...] = LightClicksConfig.widths,
        side: int = LightClicksConfig.side,
        encoder: str | None = None,
        weights: str | None = None,
        model: str | None = None,
        learning_rate: float = 1e-3,
        encoder_learning_rate: float = 2e-4,
        schedule: Schedule = "constant",
        weight_decay: float = 0.01,
        validation_clicks: int = 3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        if validation_clicks < 1:
            raise InputError(f"model.validation_clicks={validation_clicks}: give 1 or more")
        if model is not None:
            self.model = self.start_from(model, LightClicks)
        else:
            config = LightClicksConfig(backbone=backbone, widths=widths, side=side)
            self.model = cast(LightClicks, get_system(LightClicks.system).build(config, weights))
            if encoder is not None:
                _begin_with(self.model, encoder)
        self.model = self.model.to(memory_format=torch.channels_last)
        frozen = (self.model.encoder.conv_stem, self.model.encoder.bn1)
        for part in (*frozen, *self.model.encoder.blocks[:FROZEN]):
            part.requires_grad_(False)

    def targets(self) -> PracticeSeed:
        """A seed for all that is drawn in practice."""
        return PracticeSeed()

    def user(self) -> User:
        """The user of validation, who clicks on the largest error."""
        return click_on_largest_error

    def begin(self, image: NDArray[np.uint8]) -> Session:
        """A session from nothing, by the network in eval mode."""
        engine = engine_of(self.model)
        state = engine.encode(image)
        previous: NDArray[np.float32] | None = None

        def session(clicks: Clicks) -> NDArray[np.float32]:
            nonlocal previous
            previous = correct(engine, state, clicks, previous)
            return previous

        return session

    def loss_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Losses after a first click and after a later one."""
        generators = [np.random.default_rng(int(seed)) for seed in batch.targets]
        scenes = _scenes(batch, generators)
        alpha = _planes([scene.wanted for scene in scenes], batch.alpha)
        shown = np.stack([scene.image for scene in scenes]).transpose(0, 3, 1, 2)
        image = torch.from_numpy(shown).to(batch.image)
        features = self._encode(image.contiguous(memory_format=torch.channels_last))
        people = [Person(s.wanted, rng) for s, rng in zip(scenes, generators, strict=True)]
        starts = [halved(draw_start(s, g)) for s, g in zip(scenes, generators, strict=True)]
        previous = _planes(starts, batch.alpha)
        _click(people, previous)
        first, logits = self._round(people, previous, features, alpha)
        between, repeated = (
            int(generators[0].choice(len(each), p=each)) for each in (BETWEEN, REPEATED)
        )
        previous = logits.detach().sigmoid()
        for _ in range(between):
            _click(people, previous)
            previous = self._answer(people, previous, features)
        for _ in range(repeated):
            previous = self._answer(people, previous, features)
        if generators[0].random() >= AGAIN:
            _click(people, previous)
        second, _ = self._round(people, previous, features, alpha)
        return {name: (first[name] + second[name]) / 2 for name in first}

    def predict_batch(self, batch: Batch) -> Tensor:
        """Mattes (B, 1, H, W) after one click on each crop, from nothing."""
        generators = [np.random.default_rng(int(seed)) for seed in batch.targets]
        truths = batch.alpha[:, 0].cpu().numpy()
        people = [Person(truth, rng) for truth, rng in zip(truths, generators, strict=True)]
        previous = functional.avg_pool2d(torch.zeros_like(batch.alpha), 2)
        _click(people, previous)
        maps = _maps(people, previous)
        return _enlarged(self.model(batch.image, maps, previous)).sigmoid()

    def on_train_batch_start(self, *_: Any) -> None:  # noqa: ANN401 - batch and index
        """Keep the statistics of the encoder's norms, which ImageNet and mattes have set."""
        self.model.encoder.eval()

    def _encode(self, image: Tensor) -> list[Tensor]:
        """Features of a batch, without gradients for what is frozen."""
        encoder, levels = self.model.encoder, []
        with torch.no_grad():
            x = functional.relu6(encoder.bn1(encoder.conv_stem(self.model.normalise(image))))
            for stage in encoder.blocks[:FROZEN]:
                x = stage(x)
                levels.append(x)
        return [*levels, *encoder.stages_from(x, FROZEN)]

    def _round(
        self, people: list[Person], previous: Tensor, features: list[Tensor], alpha: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Losses of a pass, and its logits (B, 1, h, w)."""
        maps = _maps(people, previous)
        logits = self.model.head(maps, previous, *features)
        with torch.autocast(self.device.type, enabled=False):
            near = maps[:, list(NEAR)].amax(dim=1, keepdim=True)
            near = functional.interpolate(near, alpha.shape[-2:], mode="bilinear")
            return losses(_enlarged(logits), alpha, near), logits

    @torch.no_grad()
    def _answer(self, people: list[Person], previous: Tensor, features: list[Tensor]) -> Tensor:
        """Mattes of a pass, as the network makes them when it is used."""
        self.model.head.eval()
        made = self.model.head(_maps(people, previous), previous, *features).sigmoid()
        self.model.head.train()
        return cast(Tensor, made)


def _begin_with(network: LightClicks, path: str) -> None:
    """Give a network the encoder of an automatic model, and what that was trained on."""
    source = load_network(path, "cpu")
    body = source.get_submodule("encoder.body")
    network.encoder.load_state_dict(body.state_dict())
    network.licences, network.hashes = source.licences, source.hashes


def _scenes(batch: Batch, generators: list[np.random.Generator]) -> list[Scene]:
    """Scenes of the crops of a batch; objects of the next ones are put into some."""
    images = batch.image.permute(0, 2, 3, 1).cpu().numpy()
    mattes = batch.alpha[:, 0].cpu().numpy()
    pairs = list(zip(images, mattes, strict=True))
    others = [*pairs[1:], pairs[0]]
    return [draw_scene(*each) for each in zip(pairs, others, generators, strict=True)]


def _click(people: list[Person], previous: Tensor) -> None:
    """Let all click on their mattes (B, 1, h, w)."""
    for person, alpha in zip(people, previous[:, 0].float().cpu().numpy(), strict=True):
        person.correct(alpha)


def _maps(people: list[Person], previous: Tensor) -> Tensor:
    """Maps (B, 4, h / 2, w / 2) of all their clicks on mattes (B, 1, h, w)."""
    height, width = previous.shape[-2:]
    maps = [gaussians(person.points, 2 * height, 2 * width) for person in people]
    made = torch.from_numpy(np.stack(maps)).to(previous)
    return made.contiguous(memory_format=torch.channels_last)


def _planes(planes: list[NDArray[np.float32]], like: Tensor) -> Tensor:
    return torch.from_numpy(np.stack(planes)[:, None]).to(like)


def _enlarged(logits: Tensor) -> Tensor:
    return functional.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False)
