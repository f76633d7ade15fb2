"""The body of an inference: JSON, and behind it the tensors that were sent as bytes.

https://github.com/kserve/open-inference-protocol and, for the bytes,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from service.errors import InvalidParameter, MalformedUpload
from service.inference_protocol import elements
from service.tensors import Parameter, RequestedOutput, Tensor, TensorRequest

BINARY_SIZE, BINARY, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
CLASSES, SEQUENCE, TIMEOUT = "classification", "sequence_id", "timeout"
RESERVED = "triton_"  # what the names of Triton's own parameters begin with
REMEDY = "see docs/inference-protocol.md for what a request looks like"

Parameters = dict[str, Any]
Dimension = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    parameters: Parameters = {}


class _Input(_Part):
    name: str
    datatype: str
    shape: list[Dimension]
    data: Any = None


class _Output(_Part):
    name: str


class _Head(_Part):
    id: str = ""
    inputs: list[_Input]
    outputs: list[_Output] = []
    parameters: dict[str, Parameter] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how its answer is to be told."""

    request: TensorRequest
    binary: Mapping[str, bool]  # by requested output
    all_binary: bool  # where none is requested
    timeout_seconds: float | None

    def wants_binary(self, output: str) -> bool:
        """Whether the values of ``output`` go behind the JSON of the answer."""
        return self.binary.get(output, self.all_binary)


def parse(body: bytes, head_bytes: int) -> Asked:
    """The request in ``body``, whose first ``head_bytes`` are JSON; tensors are not copied.

    Raises:
        MalformedUpload: it is no JSON of that form.
        InvalidParameter: a tensor whose data fits neither its datatype nor its shape; a parameter
            that is not passed on.
    """
    head = _head(body[:head_bytes])
    inputs, rest = [], memoryview(body)[head_bytes:]
    for place, one in enumerate(head.inputs):
        try:
            tensor, rest = _tensor(one, rest)
        except ValueError as error:
            field = f"inputs[{place}]"
            raise InvalidParameter(f"input {one.name[:100]!r}: {error}", field=field) from None
        inputs.append(tensor)
    if rest:
        raise InvalidParameter(
            f"{len(rest)} bytes follow the data of the last input", field=BINARY_SIZE
        )
    outputs = tuple(_output(one, place) for place, one in enumerate(head.outputs))
    return Asked(
        TensorRequest(
            inputs=tuple(inputs), outputs=outputs, id=head.id, parameters=_passed_on(head)
        ),
        binary={one.name: one.parameters.get(BINARY) is True for one in head.outputs},
        all_binary=head.parameters.get(ALL_BINARY) is True and not outputs,
        timeout_seconds=_seconds(head.parameters.get(TIMEOUT)),
    )


def _head(text: bytes) -> _Head:
    try:
        return _Head.model_validate(from_json(text))
    except ValidationError as error:
        item = error.errors(include_input=False, include_url=False)[0]
        place = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]
        )
        place = place.lstrip(".")[:100]
        detail = f"{place or 'the body'}: {item['msg']}"
        raise MalformedUpload(detail, field=place, remedy=REMEDY) from error
    except ValueError as error:
        raise MalformedUpload(f"the body is no JSON: {error}", remedy=REMEDY) from error


def _tensor(one: _Input, rest: memoryview) -> tuple[Tensor, memoryview]:
    """An input, and what of the bytes belongs to those after it."""
    _check_parameters(one)
    shape = tuple(one.shape)
    size = one.parameters.get(BINARY_SIZE)
    if size is None:
        raw: bytes | memoryview = elements.pack(one.datatype, shape, one.data)
        return Tensor(one.name, one.datatype, shape, raw), rest
    if type(size) is not int or size < 0:
        raise ValueError(f"{BINARY_SIZE} is no number of bytes")
    if one.data is not None:
        raise ValueError(f"it has both 'data' and {BINARY_SIZE!r}")
    if size > len(rest):
        raise ValueError(f"{BINARY_SIZE} is {size}, and {len(rest)} bytes are left of the body")
    raw = rest[:size]
    elements.check(one.datatype, shape, raw)
    return Tensor(one.name, one.datatype, shape, raw), rest[size:]


def _output(one: _Output, place: int) -> RequestedOutput:
    try:
        _check_parameters(one)
        count = one.parameters.get(CLASSES, 0)
        if type(count) is not int or not 0 <= count < 2**31:
            raise ValueError(f"{CLASSES} is no number of classes")  # noqa: TRY301
    except ValueError as error:
        field = f"outputs[{place}]"
        raise InvalidParameter(f"output {one.name[:100]!r}: {error}", field=field) from None
    return RequestedOutput(one.name, count)


def _check_parameters(part: _Part) -> None:
    for name in part.parameters:
        if name.startswith("shared_memory"):
            raise ValueError(
                f"{name[:100]!r}: memory of the server is not shared through a gateway"
            )


def _passed_on(head: _Head) -> Mapping[str, Parameter]:
    """The parameters that are Triton's to read."""
    for name in head.parameters:
        if name.startswith(RESERVED):
            raise InvalidParameter(f"{name[:100]!r}: such names are Triton's own", field=name[:100])
    if head.parameters.get(SEQUENCE):
        raise InvalidParameter(
            "a sequence needs one server for all its requests, which a gateway may not promise",
            field=SEQUENCE,
        )
    ours = (ALL_BINARY, TIMEOUT)  # how long it may take goes along with each attempt
    return {name: value for name, value in head.parameters.items() if name not in ours}


def _seconds(timeout: Parameter | None) -> float | None:
    if timeout is None or timeout == 0:  # Triton's word for none
        return None
    if type(timeout) is not int or timeout < 0:
        raise InvalidParameter("the timeout is no number of microseconds", field=TIMEOUT)
    return timeout / 1e6
