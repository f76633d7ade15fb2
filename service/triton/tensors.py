"""Tensors as callers sent them to a ModelInferRequest, and a ModelInferResponse to tensors."""

from typing import Any

from tritonclient.grpc import service_pb2

from service.errors import UnexpectedOutput
from service.tensors import Parameter, Tensor, TensorAnswer, TensorRequest
from service.triton.protocol import message


class TensorMessage:
    """One inference, ready to be sent as often as it takes."""

    def __init__(self, model: str, version: str, request: TensorRequest) -> None:
        head = service_pb2.ModelInferRequest(model_name=model, model_version=version, id=request.id)
        for name, value in request.parameters.items():
            _set(head.parameters[name], value)
        for one in request.inputs:
            head.inputs.add(name=one.name, datatype=one.datatype, shape=one.shape)
        for asked in request.outputs:
            output = head.outputs.add(name=asked.name)
            if asked.class_count:
                output.parameters["classification"].int64_param = asked.class_count
        self._head = bytes(head.SerializeToString())
        self._contents = [memoryview(one.raw) for one in request.inputs]

    def encode(self, queue_seconds: float) -> bytes:
        """The message; Triton may let it wait in a queue for ``queue_seconds`` at most."""
        return message(self._head, queue_seconds, self._contents)


def tensors(response: Any) -> TensorAnswer:
    """What a ModelInferResponse holds.

    Raises:
        UnexpectedOutput: an output has no bytes.
    """
    if len(response.outputs) != len(response.raw_output_contents):
        raise UnexpectedOutput("the model's outputs have a form that is not read here")
    outputs = zip(response.outputs, response.raw_output_contents, strict=True)
    return TensorAnswer(
        model=response.model_name,
        version=response.model_version,
        outputs=tuple(
            Tensor(one.name, one.datatype, tuple(one.shape), raw) for one, raw in outputs
        ),
        id=response.id,
        parameters={name: _get(value) for name, value in response.parameters.items()},
    )


def _set(field: Any, value: Parameter) -> None:
    if isinstance(value, bool):
        field.bool_param = value
    elif isinstance(value, int):
        field.int64_param = value
    elif isinstance(value, float):
        field.double_param = value
    else:
        field.string_param = value


def _get(field: Any) -> Parameter:
    value: Parameter = getattr(field, field.WhichOneof("parameter_choice") or "string_param")
    return value
