"""Elements of tensors, from JSON to bytes and back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tritonclient.utils import deserialize_bytes_tensor, serialize_byte_tensor

from service.inference_protocol.elements import BINARY_ONLY, check, pack, unpack
from service.tensors import BYTES, DATATYPES, Tensor

IN_JSON = sorted(DATATYPES.keys() - BINARY_ONLY)


@settings(deadline=None)
@given(st.data(), st.sampled_from(IN_JSON), array_shapes(max_dims=3, max_side=4), st.booleans())
def test_any_numbers_come_back(
    data: st.DataObject, datatype: str, shape: tuple[int, ...], flat: bool
) -> None:
    array = data.draw(arrays(DATATYPES[datatype], shape))
    told = array.ravel().tolist() if flat else array.tolist()
    if datatype == "FP32":
        told = np.float64(array.ravel() if flat else array).tolist()
    raw = pack(datatype, shape, told)
    assert len(raw) == array.nbytes
    back = unpack(Tensor("x", datatype, shape, raw))
    np.testing.assert_array_equal(np.array(back, DATATYPES[datatype]), array.ravel())
    check(datatype, shape, raw)


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=6))
def test_texts_are_what_tritons_client_makes_of_them(texts: list[str]) -> None:
    raw = pack(BYTES, (len(texts),), texts)
    assert raw == serialize_byte_tensor(np.array(texts, object)).item()
    assert [one.decode() for one in deserialize_bytes_tensor(raw)] == texts
    check(BYTES, (len(texts),), raw)
    assert unpack(Tensor("x", BYTES, (len(texts),), raw)) == texts


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 5))
def test_any_bytes_are_refused_or_taken(raw: bytes, count: int) -> None:
    try:
        check(BYTES, (count,), raw)
    except ValueError:
        return
    assert len(deserialize_bytes_tensor(raw)) == count


@pytest.mark.parametrize(
    ("datatype", "data", "words"),
    [
        ("UINT8", [256, 0], "range"),
        ("UINT8", [-1, 0], "range"),
        ("INT64", [2**63, 0], "no INT64"),
        ("INT32", [2**31, 0], "range"),
        ("UINT64", [2**64, 0], "range"),
        ("UINT64", [0.5, 1], "no UINT64"),
        ("INT8", [1.0, 2.0], "no INT8"),
        ("BOOL", [1, 0], "no BOOL"),
        ("FP32", [True, False], "no FP32"),
        ("FP32", [None, 1], "no FP32"),
        ("BYTES", ["a", 1], "strings"),
        ("BYTES", [["a"], ["b", "c"]], "does not hold|strings|evenly"),
        ("BF16", [1, 2], "binary"),
        ("FP32", {"a": 1}, "'data'"),
        ("FP32", [1, 2, 3], "does not hold 3"),
    ],
)
def test_elements_of_another_kind_are_refused(datatype: str, data, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pack(datatype, (2,), data)


def test_large_whole_numbers_are_exact() -> None:
    raw = pack("UINT64", (2,), [1, 2**64 - 1])
    assert np.frombuffer(raw, np.uint64).tolist() == [1, 2**64 - 1]


def test_a_float_beyond_its_datatype_is_infinite() -> None:
    assert np.frombuffer(pack("FP32", (1,), [1e60]), np.float32)[0] == math.inf


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        unpack(Tensor("x", BYTES, (1,), b"\x01\x00\x00\x00\xff"))
