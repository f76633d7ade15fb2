"""The one module that knows Triton's protocol; it turns Triton's failures into ours."""

from collections.abc import Awaitable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from service.backend import IndexEntry
from service.errors import (
    BackendUnavailable,
    DeadlineExceeded,
    GatewayError,
    InferenceFailed,
    ModelNotReady,
    QueueFull,
)
from service.trace import Stage
from service.values import Deadline, Outputs

CONTROL_SECONDS = 2.0  # for questions about health and models
SHORTEST_CALL_SECONDS = 0.005  # some servers crash on gRPC deadlines of a few milliseconds

# Given to the channel in place of tritonclient's defaults, hence the message sizes.
CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A restarted server is found again within a second or so, not after gRPC's two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Triton answers pings more often than every 5 min by closing the connection. The ping's
    # timeout is also TCP's, which is what notices a peer that vanished without a word.
    ("grpc.keepalive_time_ms", 330_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]

T = TypeVar("T")


class TritonBackend:
    """An InferenceBackend over one gRPC channel; belongs to the event loop that first uses it."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _client(self) -> Any:
        return InferenceServerClient(self._url, channel_args=CHANNEL)

    async def alive(self) -> None:
        """Return if Triton answers; that it is still loading models does not matter."""
        await _call(self._client.is_server_live(client_timeout=CONTROL_SECONDS))

    async def model_ready(self, name: str) -> bool:
        """Whether Triton would run ``name`` now."""
        return bool(await _call(self._client.is_model_ready(name, client_timeout=CONTROL_SECONDS)))

    async def index(self) -> Sequence[IndexEntry]:
        """The repository index."""
        index = self._client.get_model_repository_index(client_timeout=CONTROL_SECONDS)
        return tuple(
            IndexEntry(entry.name, entry.version, entry.state == "READY")
            for entry in (await _call(index)).models
        )

    async def parameters(self, name: str) -> Mapping[str, str]:
        """`parameters` of the model's config.pbtxt."""
        answer = await _call(self._client.get_model_config(name, client_timeout=CONTROL_SECONDS))
        return {key: item.string_value for key, item in answer.config.parameters.items()}

    async def infer(
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> Outputs:
        """One ModelInfer call that ends with ``deadline``."""
        remaining = deadline.remaining_seconds()
        if remaining < SHORTEST_CALL_SECONDS:
            raise DeadlineExceeded(Stage.INFER)
        call = self._client.infer(
            model,
            [_tensor(name, array) for name, array in inputs.items()],
            model_version=version,
            outputs=[InferRequestedOutput(name) for name in outputs],
            client_timeout=remaining,
        )
        result = await _call(call)
        arrays = {name: result.as_numpy(name) for name in outputs}
        return Outputs(arrays, result.get_response().model_version)

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()


def _tensor(name: str, array: NDArray[Any]) -> Any:
    tensor = InferInput(name, array.shape, np_to_triton_dtype(np.dtype(array.dtype)))
    return tensor.set_data_from_numpy(array)


async def _call(answer: Awaitable[T]) -> T:
    """``answer``, or our error with Triton's as its cause, which whoever catches it may log."""
    try:
        return await answer
    except InferenceServerException as error:
        status = str(error.status()).removeprefix("StatusCode.")
        raise translate(status, str(error.message())) from error


def translate(status: str, text: str) -> GatewayError:
    """Our error for a gRPC status and Triton's message, whose words are never passed on."""
    match status:
        case "UNAVAILABLE":
            return _unavailable(text)
        case "DEADLINE_EXCEEDED":
            return DeadlineExceeded(Stage.INFER)
        case "NOT_FOUND":  # the catalogue had it a moment ago
            return ModelNotReady("the inference server no longer has this model ready")
        case "INVALID_ARGUMENT":
            return InferenceFailed("the model refused the tensor that its recipe describes")
        case _:
            return InferenceFailed("the model failed at this request")


def _unavailable(text: str) -> GatewayError:
    """Triton says UNAVAILABLE for five different things; only its text tells them apart."""
    if "maximum queue size" in text:
        return QueueFull("the model's queue is full")
    if "timeout expired" in text:
        return QueueFull("the request waited too long in the model's queue")
    if "protocol is restricted" in text:
        return InferenceFailed("the inference server does not let this gateway in")
    if "stopping" in text:
        return BackendUnavailable("the inference server is stopping")
    return BackendUnavailable("the inference server cannot be reached")
