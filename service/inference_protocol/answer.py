"""What a model answered, as the body of a response."""

import json
from collections.abc import Callable
from typing import Any

from service.errors import InvalidParameter, UnexpectedOutput
from service.inference_protocol import elements
from service.tensors import Tensor, TensorAnswer


def write(answer: TensorAnswer, wants_binary: Callable[[str], bool]) -> tuple[bytes, int]:
    """The body, and how many of its first bytes are JSON: all, where no tensor is binary.

    Raises:
        InvalidParameter: an output that JSON cannot hold.
        UnexpectedOutput: values that are not as many as the shape says.
    """
    told, behind = [], []
    for output in answer.outputs:
        one: dict[str, Any] = {
            "name": output.name,
            "datatype": output.datatype,
            "shape": output.shape,
        }
        if wants_binary(output.name):
            one["parameters"] = {"binary_data_size": len(output.raw)}
            behind.append(output.raw)
        else:
            one["data"] = _data(output)
        told.append(one)
    document = {
        "id": answer.id,
        "model_name": answer.model,
        "model_version": answer.version,
        "parameters": dict(answer.parameters),
        "outputs": told,
    }
    for name in ("id", "parameters"):
        if not document[name]:
            del document[name]
    head = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join([head, *behind]), len(head)


def _data(output: Tensor) -> list[Any]:
    try:
        elements.check(output.datatype, output.shape, output.raw)
    except ValueError as error:
        raise UnexpectedOutput(f"output {output.name!r}: {error}") from error
    try:
        return elements.unpack(output)
    except ValueError as error:
        raise InvalidParameter(
            f"output {output.name!r}: {error}",
            field="outputs",
            remedy="ask for it with the parameter binary_data",
        ) from None
