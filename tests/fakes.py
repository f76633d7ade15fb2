"""Stand-ins behind the real interfaces."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.codec import encode
from contract.recipe import PARAMETER, Fit, InputSpec, OutputSpec, Recipe, Role, Task
from service.backend import IndexEntry, Sample
from service.errors import (
    DeadlineExceeded,
    GatewayError,
    InferenceFailed,
    ModelNotReady,
    UnknownModel,
)
from service.tensors import TensorAnswer
from service.trace import Stage
from service.values import Deadline, Outputs

LABELS = ("red_light", "straight", "left", "no_driving", "no_parking", "background")
RECIPE = Recipe(
    task=Task.CLASSIFICATION,
    input=InputSpec(name="INPUT__0", height=64, width=64, fit=Fit.STRETCH),
    outputs=(OutputSpec(name="OUTPUT__0", role=Role.PROBABILITIES),),
    labels=LABELS,
)


MAPS = OutputSpec(name="OUTPUT__1", role=Role.CLASS_MAPS, shape=(3, 2, 2))


def recipe(**changes: Any) -> Recipe:
    """RECIPE with some fields changed."""
    return replace(RECIPE, **changes)


@dataclass
class FakeModel:
    """One model of the fake server's repository."""

    recipe: Recipe | None = RECIPE
    versions: tuple[str, ...] = ("1",)  # ready ones
    text: str | None = None  # a parameter to serve in place of the encoded recipe
    scores: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.4, 0.1)
    arrays: Mapping[str, NDArray[Any]] | None = None  # answered by name in place of both
    maps: NDArray[Any] = field(default_factory=lambda: np.zeros((1, 3, 2, 2), np.float32))

    def parameters(self) -> Mapping[str, str]:
        if self.text is not None:
            return {PARAMETER: self.text}
        return {} if self.recipe is None else {PARAMETER: encode(self.recipe)}


@dataclass
class FakeBackend:
    """An InferenceBackend that answers what it is told to, and remembers what it was asked."""

    models: dict[str, FakeModel] = field(default_factory=lambda: {"signs": FakeModel()})
    failure: GatewayError | Exception | None = None  # raised by `infer`
    away: GatewayError | None = None  # raised by everything
    delay_seconds: float = 0.0  # of `infer`
    output: NDArray[Any] | None = None  # answered in place of the model's scores
    tensors: list[NDArray[Any]] = field(default_factory=list)
    metadata: list[Mapping[str, str]] = field(default_factory=list)  # by request
    asked: list[Sequence[str]] = field(default_factory=list)  # outputs, by request
    repository: dict[str, FakeModel] = field(default_factory=dict)  # what `load` finds there
    load_failure: GatewayError | None = None
    load_seconds: float = 0.0
    loading: list[str] = field(default_factory=list)  # under way
    most_loading: int = 0  # at once
    running: int = 0
    closed: bool = False
    samples: Callable[[], Mapping[str, Sample]] = dict  # what the catalogue gives to try

    async def alive(self) -> None:
        self._refuse_if_away()

    async def model_ready(self, name: str, version: str = "") -> bool:
        self._refuse_if_away()
        versions = self.models[name].versions
        return version in versions if version else bool(versions)

    async def index(self) -> Sequence[IndexEntry]:
        self._refuse_if_away()
        return [
            IndexEntry(name, version, bool(version))
            for name, model in self.models.items()
            for version in model.versions or ("",)
        ]

    async def parameters(self, name: str) -> Mapping[str, str]:
        self._refuse_if_away()
        return self.models[name].parameters()

    async def infer(
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        deadline: Deadline,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> Outputs:
        self._refuse_if_away()
        if deadline.remaining_seconds() <= 0:
            raise DeadlineExceeded(Stage.INFER)
        self.metadata.append(metadata or {})
        self.tensors += inputs.values()
        self.asked.append(outputs)
        self.running += 1
        try:
            await asyncio.sleep(self.delay_seconds)
        finally:
            self.running -= 1
        if self.failure is not None:
            raise self.failure
        asked = self.models[model]
        if not asked.versions:
            raise ModelNotReady("unloaded")
        scores = np.array([asked.scores], np.float32) if self.output is None else self.output
        arrays = asked.arrays or dict(zip(outputs, (scores, asked.maps), strict=False))
        return Outputs(arrays, version or asked.versions[-1])

    async def infer_tensors(self, *_: Any, **__: Any) -> TensorAnswer:
        raise InferenceFailed("no tensors are known here")

    async def describe(self, *_: Any, **__: Any) -> Any:
        raise InferenceFailed("nothing is known here")

    async def load(self, name: str, deadline: Deadline) -> None:  # noqa: ARG002
        self._refuse_if_away()
        self.loading.append(name)
        self.most_loading = max(self.most_loading, len(self.loading))
        try:
            await asyncio.sleep(self.load_seconds)
        finally:
            self.loading.remove(name)
        if self.load_failure is not None:
            raise self.load_failure
        if name not in self.repository:
            raise UnknownModel("no such folder")
        self.models[name] = self.repository[name]

    async def unload(self, name: str, deadline: Deadline) -> None:  # noqa: ARG002
        self._refuse_if_away()
        self.models[name] = replace(self.models[name], versions=())

    async def keep_watch(self, samples: Callable[[], Mapping[str, Sample]]) -> None:
        self.samples = samples

    async def close(self) -> None:
        self.closed = True

    def _refuse_if_away(self) -> None:
        if self.away is not None:
            raise self.away
