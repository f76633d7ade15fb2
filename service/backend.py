"""What the gateway needs of an inference server, whoever that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from numpy.typing import NDArray

from service.tensors import TensorAnswer, TensorRequest
from service.values import Deadline, Outputs


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One version of one model in the server's repository."""

    name: str
    version: str  # empty when no version was ever loaded
    ready: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model can be asked only to see whether it answers."""

    inputs: Mapping[str, NDArray[Any]]
    outputs: Sequence[str]


class Subject(StrEnum):
    """What an inference server can be asked to tell of itself."""

    SERVER = "server"
    REPOSITORY = "repository"
    MODEL = "model"
    CONFIG = "config"
    STATISTICS = "statistics"


class InferenceBackend(Protocol):
    """An inference server; every method raises a GatewayError when it cannot answer."""

    async def alive(self) -> None:
        """Return if the server answers at all."""
        ...

    async def model_ready(self, name: str, version: str = "") -> bool:
        """Whether the server would run ``name`` now, and that would not fail for certain."""
        ...

    async def index(self) -> Sequence[IndexEntry]:
        """Every version of every model the server knows, loaded or not."""
        ...

    async def parameters(self, name: str) -> Mapping[str, str]:
        """The free-form parameters of a ready model's configuration."""
        ...

    async def infer(  # noqa: PLR0913 - these are the parts of a request
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        deadline: Deadline,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> Outputs:
        """Run the model once; ``version`` "" leaves the choice to the server.

        ``metadata`` goes along with the request: a `traceparent` (W3C Trace Context), for example.

        Raises:
            BackendUnavailable, ModelNotReady, ModelBroken, QueueFull, DeadlineExceeded,
            InferenceFailed, UnexpectedOutput
        """
        ...

    async def infer_tensors(
        self,
        model: str,
        version: str,
        request: TensorRequest,
        deadline: Deadline,
        *,
        metadata: Mapping[str, str] | None = None,
    ) -> TensorAnswer:
        """The same for tensors as a caller sent them, which go on as they are.

        Raises:
            BackendUnavailable, ModelNotReady, ModelBroken, QueueFull, DeadlineExceeded,
            InferenceFailed, UnexpectedOutput
            InvalidParameter: the server finds the request itself at fault.
        """
        ...

    async def describe(self, subject: Subject, model: str = "", version: str = "") -> Any:
        """What the server says of itself or a model, as JSON of the Open Inference Protocol.

        Without ``model`` the STATISTICS are those of all; the others need one, or none.

        Raises:
            BackendUnavailable, ModelNotReady, InferenceFailed
        """
        ...

    async def load(self, name: str, deadline: Deadline) -> None:
        """Load ``name`` from the repository, or what is new of it; the old one answers until then.

        Raises:
            BackendUnavailable, LoadFailed, LoadTimeout
            UnknownModel: the repository has no such model, or nobody can read its configuration.
        """
        ...

    async def unload(self, name: str, deadline: Deadline) -> None:
        """Take no more requests for ``name``; those in flight are answered.

        Raises:
            BackendUnavailable, LoadFailed, LoadTimeout
        """
        ...

    async def keep_watch(self, samples: Callable[[], Mapping[str, Sample]]) -> None:
        """Find out what no request tells, until cancelled: whether idle models still work.

        ``samples`` gives, at any time, a sample for each model that can be asked.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...
