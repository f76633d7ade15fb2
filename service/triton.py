"""The one module that knows Triton's protocol; it turns Triton's failures into ours."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, partial
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
    LoadFailed,
    LoadTimeout,
    ModelNotReady,
    QueueFull,
    UnknownModel,
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

WRAPPING = re.compile(
    r"^load failed for model '[^']*': (version \d+ is at \w+ state: )?"
    r"(Internal: TritonModelException: )?"
)
FOLDERS = re.compile(r"[^\s'\"=(]*/")  # of a path, which ends in the name that is kept
LONGEST_REASON = 300  # characters

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

    async def load(self, name: str, deadline: Deadline) -> None:
        """RepositoryModelLoad, which ends when the new one answers and the old one does not."""
        call = self._client.load_model(name, client_timeout=_left(deadline))
        await _call(call, partial(translate_load, name))

    async def unload(self, name: str, deadline: Deadline) -> None:
        """RepositoryModelUnload."""
        call = self._client.unload_model(name, client_timeout=_left(deadline))
        await _call(call, partial(translate_load, name))

    async def close(self) -> None:
        """Close the channel."""
        await self._client.close()


def _tensor(name: str, array: NDArray[Any]) -> Any:
    tensor = InferInput(name, array.shape, np_to_triton_dtype(np.dtype(array.dtype)))
    return tensor.set_data_from_numpy(array)


def _left(deadline: Deadline) -> float:
    return max(deadline.remaining_seconds(), SHORTEST_CALL_SECONDS)


async def _call(answer: Awaitable[T], into: Callable[[str, str], GatewayError] | None = None) -> T:
    """``answer``, or our error with Triton's as its cause, which whoever catches it may log."""
    try:
        return await answer
    except InferenceServerException as error:
        status = str(error.status()).removeprefix("StatusCode.")
        raise (into or translate)(status, str(error.message())) from error


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


def translate_load(name: str, status: str, text: str) -> GatewayError:
    """The same for a load or unload of ``name``; of a model at fault the reason is passed on."""
    if status == "DEADLINE_EXCEEDED":
        return LoadTimeout(f"the inference server is still at work on model {name!r}")
    if "is not allowed" in text:  # UNAVAILABLE too
        return LoadFailed("the inference server was started without explicit model control")
    if status == "UNAVAILABLE":
        return _unavailable(text)
    if "failed to poll" in text:
        return UnknownModel(f"there is no model {name!r}")
    return LoadFailed(f"model {name!r}: {_reason(text)}")


def _reason(text: str) -> str:
    """The first line of why a model did not load, without Triton's wrapping and without paths."""
    line = text.strip().partition("\n")[0]
    return FOLDERS.sub("", WRAPPING.sub("", line))[:LONGEST_REASON].rstrip()
