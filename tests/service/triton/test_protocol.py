"""What is written piece by piece is what protobuf would have written."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from tritonclient.grpc import service_pb2
from tritonclient.utils import np_to_triton_dtype

from service.errors import UnexpectedOutput
from service.triton.protocol import DATATYPES, Request, decode


def parsed(request: Request, queue_seconds: float = 1.0):
    return service_pb2.ModelInferRequest.FromString(request.encode(queue_seconds))


@settings(deadline=None)
@given(st.sampled_from(sorted(DATATYPES)), array_shapes(max_dims=4, max_side=12))
def test_any_array_arrives_as_it_was(datatype: str, shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape))
    array = (np.arange(size) % 251).astype(DATATYPES[datatype]).reshape(shape)
    message = parsed(Request("signs", "3", {"x": array, "y": array}, ["a", "b"]), 0.25)
    assert (message.model_name, message.model_version) == ("signs", "3")
    assert [output.name for output in message.outputs] == ["a", "b"]
    assert message.parameters["timeout"].int64_param == 250_000
    for tensor, raw in zip(message.inputs, message.raw_input_contents, strict=True):
        assert (tensor.datatype, tuple(tensor.shape)) == (datatype, shape)
        assert raw == array.tobytes()


@pytest.mark.parametrize("kind", DATATYPES.values())
def test_datatypes_have_tritons_names(kind: np.dtype) -> None:
    message = parsed(Request("m", "", {"x": np.zeros(1, kind)}, []))
    assert message.inputs[0].datatype == np_to_triton_dtype(kind)


def test_an_array_that_is_not_contiguous_is_sent_in_order() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(3, 4).T
    assert parsed(Request("m", "", {"x": array}, [])).raw_input_contents[0] == array.tobytes()


def answer(datatype: str = "FP32", shape: tuple[int, ...] = (1, 2), raw: bytes = bytes(8)):
    message = service_pb2.ModelInferResponse(model_version="7")
    message.outputs.add(name="y", datatype=datatype, shape=shape)
    message.raw_output_contents.append(raw)
    return message


def test_an_output_is_not_copied() -> None:
    message = answer(raw=np.float32([1, 2]).tobytes())
    outputs = decode(message)
    np.testing.assert_array_equal(outputs.arrays["y"], [[1, 2]])
    assert not outputs.arrays["y"].flags.owndata
    assert outputs.version == "7"


@pytest.mark.parametrize(
    "message",
    [
        answer(datatype="BYTES"),
        answer(datatype="BF16"),
        answer(shape=(1, 3)),
        answer(raw=bytes(7)),
        service_pb2.ModelInferResponse(outputs=[{"name": "y", "datatype": "FP32", "shape": [1]}]),
    ],
)
def test_what_cannot_be_read_is_said(message) -> None:
    with pytest.raises(UnexpectedOutput):
        decode(message)
