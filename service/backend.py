"""What the gateway needs of an inference server, whoever that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from service.values import Deadline, Outputs


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One version of one model in the server's repository."""

    name: str
    version: str  # empty when no version was ever loaded
    ready: bool


class InferenceBackend(Protocol):
    """An inference server; every method raises a GatewayError when it cannot answer."""

    async def alive(self) -> None:
        """Return if the server answers at all."""
        ...

    async def model_ready(self, name: str) -> bool:
        """Whether the server would run ``name`` now."""
        ...

    async def index(self) -> Sequence[IndexEntry]:
        """Every version of every model the server knows, loaded or not."""
        ...

    async def parameters(self, name: str) -> Mapping[str, str]:
        """The free-form parameters of a ready model's configuration."""
        ...

    async def infer(
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> Outputs:
        """Run the model once; ``version`` "" leaves the choice to the server.

        Raises:
            BackendUnavailable, ModelNotReady, QueueFull, DeadlineExceeded, InferenceFailed
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

    async def close(self) -> None:
        """Let go of the connection."""
        ...
