"""Arrays to the bytes of a ModelInferRequest, and a ModelInferResponse to arrays.

A protobuf message may be written piece by piece: the bytes of two messages, one behind the other,
are the message that has the fields of both (https://protobuf.dev/programming-guides/encoding). So
what all requests of a model share is written once, and the pixels are copied once, into the bytes
that go to gRPC, where building a message and serialising it would copy them three times.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2

from service.errors import UnexpectedOutput
from service.tensors import DATATYPES
from service.values import Outputs

RAW_INPUT = b"\x3a"  # tag of ModelInferRequest.raw_input_contents: field 7, length-delimited
NAMES = {dtype: name for name, dtype in DATATYPES.items()}

_Tensor = tuple[str, str, tuple[int, ...]]  # name, datatype, shape


class Message(Protocol):
    """A ModelInferRequest in the making."""

    def encode(self, queue_seconds: float) -> bytes:
        """Its bytes; Triton may let it wait in a queue for ``queue_seconds`` at most."""
        ...


class Request:
    """One inference, ready to be sent as often as it takes."""

    def __init__(
        self,
        model: str,
        version: str,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
    ) -> None:
        tensors = tuple((name, NAMES[x.dtype], x.shape) for name, x in inputs.items())
        self._head = _head(model, version, tensors, tuple(outputs))
        self._arrays = [np.ascontiguousarray(array) for array in inputs.values()]

    def encode(self, queue_seconds: float) -> bytes:
        """The message; Triton may let it wait in a queue for ``queue_seconds`` at most.

        Only a model whose queue policy allows it (`allow_timeout_override`) heeds that.
        """
        return message(self._head, queue_seconds, self._arrays)


def message(head: bytes, queue_seconds: float, contents: Sequence[Any]) -> bytes:
    """A ModelInferRequest: ``head`` is all of it but its time in the queue and its inputs' bytes.

    ``contents`` are objects with `nbytes`, such as arrays and memoryviews.
    """
    parts: list[Any] = [head, _queue_timeout(queue_seconds)]
    for content in contents:
        parts += RAW_INPUT, _varint(content.nbytes), content
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _head(model: str, version: str, inputs: tuple[_Tensor, ...], outputs: tuple[str, ...]) -> bytes:
    """Everything but the pixels."""
    request = service_pb2.ModelInferRequest(model_name=model, model_version=version)
    for name, datatype, shape in inputs:
        request.inputs.add(name=name, datatype=datatype, shape=shape)
    for name in outputs:
        request.outputs.add(name=name)
    return bytes(request.SerializeToString())


def _queue_timeout(seconds: float) -> bytes:
    microseconds = service_pb2.InferParameter(int64_param=round(seconds * 1e6))
    parameters = service_pb2.ModelInferRequest(parameters={"timeout": microseconds})
    return bytes(parameters.SerializeToString())


def _varint(number: int) -> bytes:
    """Protobuf's form of a length: seven bits a byte, the lowest first."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def decode(response: Any) -> Outputs:
    """The arrays of a ModelInferResponse, which lie in its own memory and cannot be written to.

    Raises:
        UnexpectedOutput: a datatype that is not read here, or bytes that do not fit the shape.
    """
    arrays: dict[str, NDArray[Any]] = {}
    try:
        for tensor, raw in zip(response.outputs, response.raw_output_contents, strict=True):
            array = np.frombuffer(raw, DATATYPES[tensor.datatype])
            arrays[tensor.name] = array.reshape(tuple(tensor.shape))
    except (KeyError, ValueError) as error:
        raise UnexpectedOutput("the model's outputs have a form that is not read here") from error
    return Outputs(arrays, response.model_version)
