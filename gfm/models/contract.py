"""The contract of a matting system.

A system is one folder in `gfm/models` and one line in `gfm.models.registry`. Everything outside of
the folder (loading, training, export, matting, serving, evaluation) works on what stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gfm.guidance.clicks import Clicks
from gfm.guidance.guidance import Guidance, GuidanceKind
from gfm.models.config import SystemConfig
from gfm.models.options import MatteOptions
from rssn.imaging.errors import InputError

if TYPE_CHECKING:
    import pytorch_lightning as lightning
    from torch import Tensor, nn

    from gfm.models.network import MattingNetwork

ConvertOption = Literal["variant", "backbone", "rosta"]
NOT_RECORDED = "not recorded"  # in place of a licence
Maps = list[NDArray[np.float32]]


class Licence(NamedTuple):
    """One source of the pictures that a network was trained on.

    Attributes:
        source: The set of pictures, or what made them.
        licence: Under which they may be used, as the source states it.
        share: Of the draws in the training that used them, 0 to 1; 0 for weights to start from.
    """

    source: str
    licence: str
    share: float


class Prediction(NamedTuple):
    """Output of a system for one photograph of height H and width W; absent parts are None.

    Attributes:
        alpha: Opacity, float32 (H, W) in [0, 1].
        foreground: Colours of the object, uint8 RGB (H, W, 3).
        background: Colours behind it, uint8 RGB (H, W, 3).
        trimap: Where the system saw background (0), transition (1) and foreground (2), uint8
            (H, W).
        classes: Probabilities of the classes by which it saw them, float32 (C, h, w), at the size
            of their pass.
    """

    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8] | None = None
    background: NDArray[np.uint8] | None = None
    trimap: NDArray[np.uint8] | None = None
    classes: NDArray[np.float32] | None = None


class ClickEngine(Protocol):
    """A model that sees a photograph once and then answers every click, on arrays."""

    def encode(self, photograph: NDArray[np.uint8]) -> Any:  # noqa: ANN401 - what it keeps of it
        """Compute once what all clicks on a photograph (H, W, 3), RGB, need."""

    def predict(
        self,
        state: Any,  # noqa: ANN401
        clicks: Clicks,
        previous: NDArray[np.float32] | None,
    ) -> NDArray[np.float32]:
        """The matte (h, w) in [0, 1], in the size that the model works in.

        Args:
            state: Of `encode`.
            clicks: All clicks so far, in px of the photograph.
            previous: The matte before the last of them, in any size; None is 0 everywhere.
        """


class MattingModel(Protocol):
    """A network in PyTorch, or an exported one in another runtime: arrays in, arrays out.

    All calls may come from several threads at once.
    """

    training: bool

    @property
    def system(self) -> str:
        """The name of its system."""

    @property
    def config(self) -> Any:  # noqa: ANN401 - each system has a class of its own
        """The configuration that it was built from."""

    @property
    def device(self) -> object:
        """Device that computes it; its text is `cpu`, `cuda` or the name of another device."""

    def run(self, inputs: Mapping[str, NDArray[Any]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs of its graph (`System.graph`), and nothing else.

        Args:
            inputs: Arrays (B, C, H, W) by their names, float; those that the outputs need.
            outputs: Names.

        Returns:
            float32 (B, C, H, W) each.
        """

    def bytes_per_pixel(self, outputs: Sequence[str]) -> float:
        """Most bytes that `run` allocates for these outputs, per px of its inputs."""

    def describe(self) -> str:
        """Device and runtime, for people."""


@dataclass(frozen=True)
class Conversion:
    """A converted checkpoint.

    Attributes:
        model: The network in eval mode.
        unused: Entries of the checkpoint that the network does not need, by their released names.
    """

    model: MattingNetwork
    unused: tuple[str, ...] = ()


class System(ABC):
    """One matting system; `gfm.models.registry` holds one object of each.

    Attributes:
        name: As in the registry and in the metadata of model files.
        config: Class of its configurations.
        guidance: Kinds of guidance that it takes; a system that takes trimaps makes one of a mask
            by `Guidance.trimap_of`.
        needs_guidance: A photograph alone is not enough.
        refinable: Its networks in PyTorch are `gfm.models.backpropagation.Refinable`, and `predict`
            heeds `MatteOptions.backpropagate`.
        convert_options: Options of `gfm convert` that tell its released checkpoints apart.
        corrects_matte: Beside clicks the mask is the matte before the last of them, 0 everywhere at
            first.
        without_effect: Names of the options of matting that its networks have no use for.
    """

    name: ClassVar[str]
    config: ClassVar[type[SystemConfig]]
    guidance: ClassVar[frozenset[GuidanceKind]] = frozenset()
    needs_guidance: ClassVar[bool] = False
    refinable: ClassVar[bool] = False
    convert_options: ClassVar[tuple[ConvertOption, ...]] = ()
    corrects_matte: ClassVar[bool] = False
    without_effect: ClassVar[tuple[str, ...]] = ("strategy", "d1", "d2")

    @abstractmethod
    def build(self, config: Any, weights: str | Path | None = None) -> MattingNetwork:  # noqa: ANN401
        """A network.

        Args:
            config: Of the class `config`.
            weights: Of its encoder; see `gfm.encoders.build.build_encoder`.
        """

    def skeleton(self, config: Any) -> MattingNetwork:  # noqa: ANN401
        """A network whose values are still to come, on the CPU or the meta device."""
        return self.build(config)

    @abstractmethod
    def predict(
        self,
        models: Sequence[Any],
        images: Sequence[NDArray[np.uint8]],
        guidance: Sequence[Guidance],
        options: MatteOptions,
    ) -> list[Prediction]:
        """Matte photographs that have one `batch_key`.

        Args:
            models: One network in eval mode, or those of an ensemble.
            images: uint8 RGB (H, W, 3).
            guidance: Of each photograph, of kinds that the system takes.
            options: How.
        """

    def clip_predictor(
        self,
        models: Sequence[Any],
        options: MatteOptions,
        height: int,
        width: int,
        smoothing: float,
    ) -> Callable[[NDArray[np.uint8]], Prediction]:
        """A function that mattes the frames (H, W, 3) of a clip in their order.

        Args:
            models: As for `predict`.
            options: As for `predict`.
            height: Of the frames in px.
            width: Of the frames in px.
            smoothing: Part of the earlier frames in what the network predicts, where nothing moved.
                A system may leave it without effect, as this default does.
        """
        del height, width, smoothing
        return lambda rgb: self.predict(models, [rgb], [Guidance()], options)[0]

    def batch_key(
        self, models: Sequence[Any], height: int, width: int, options: MatteOptions
    ) -> Hashable:
        """Equal for photographs that `predict` takes together; None takes each by itself."""
        del models, height, width, options
        return None

    def wants_refinement(self, models: Sequence[Any]) -> bool:
        """The mattes of these models gain by a guided model, which `refine="auto"` then runs."""
        del models
        return False

    def click_engine(self, models: Sequence[Any]) -> ClickEngine | None:
        """The models for sessions; None where they encode a photograph anew for every click."""
        del models
        return None

    def check_options(self, options: MatteOptions) -> None:
        """Refuse options without effect on this system.

        Raises:
            InputError: Such an option is set.
        """
        for name in self.without_effect:
            if (value := getattr(options, name)) not in (None, "none"):
                raise InputError(
                    f"{name}={value!r} has no effect on a model of the system {self.name}; leave "
                    "it out"
                )

    def check_models(self, models: Sequence[Any]) -> None:
        """Refuse ensembles that the system cannot take.

        Raises:
            InputError: There are several models.
        """
        if len(models) > 1:
            raise InputError(
                f"{len(models)} models of the system {self.name} are named; give one (the median "
                "of several is for glance_focus)"
            )

    def task(self) -> type[lightning.LightningModule]:
        """The Lightning task that trains it: a `gfm.training.task.MattingTask`.

        Raises:
            InputError: There is none.
        """
        raise InputError(f"system '{self.name}' has no training in this version")

    def convert(self, path: Path, **options: str) -> Conversion:
        """Read a released checkpoint.

        Args:
            path: The file.
            options: Which variant it is, by the names in `convert_options`.

        Raises:
            InputError: There are none, the file cannot be read, or it does not fit.
        """
        raise InputError(f"{path}: there are no released checkpoints of the system '{self.name}'")

    def graph(self, network: Any) -> Graph:  # noqa: ANN401 - its own network
        """The network as one graph for `gfm export`.

        Raises:
            InputError: It cannot be exported.
        """
        raise InputError(f"a network of the system '{self.name}' cannot be exported")


@dataclass(frozen=True)
class Graph:
    """A network for the exporter.

    Attributes:
        module: Takes the inputs in their order, and returns the outputs in theirs, as a tuple.
        inputs: Names, with the channels of each; all are (B, C, H, W) of one size, but those in
            `reductions`. A call that gives outputs of the graph among its inputs begins behind
            them.
        outputs: Names.
        distances: Compares the outputs of a run with those of PyTorch, and returns the distance
            (B, C, H, W) by output; None takes the absolute difference.
        multiple: Heights and widths must be multiples of this.
        runs: The sets of outputs that `predict` asks for; one of all of them when empty. An
            exported file states how much memory each takes.
        reductions: By what the sides of an input are smaller than those of the others.
    """

    module: nn.Module
    inputs: Mapping[str, int]
    outputs: tuple[str, ...]
    distances: (
        Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], Mapping[str, Tensor]] | None
    ) = None
    multiple: int = 1
    runs: tuple[tuple[str, ...], ...] = ()
    reductions: Mapping[str, int] = field(default_factory=dict)


class GraphRuntime(Protocol):
    """Another runtime with a graph in it.

    Attributes:
        inputs: Names of the graph's inputs.
        outputs: Names of its outputs.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, inputs: Mapping[str, NDArray[np.float32]], outputs: Sequence[str]) -> Maps:
        """Compute some outputs of the graph, and nothing else."""
