"""The `pytorch` backend inside the real tritonserver: one server, a handful of tiny models."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from runtime.launch import TritonConfig
from runtime.server import TritonProcess
from tests.runtime import tiny
from tests.runtime.tiny import tensors

SERVED = ("add", "subtract", "indexed", "mapping", "echo", "moody")
LEFT, RIGHT = np.float32([[5, 6, 7]]), np.float32([[1, 2, 3]])
OPTIONS = "".join(
    f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}\n'
    for key, value in {
        "INFERENCE_MODE": "Off",
        "DISABLE_OPTIMIZED_EXECUTION": "1",
        "INTRA_OP_THREAD_COUNT": "1",
        "ENABLE_WEIGHT_SHARING": "true",
        "fovea.recipe": "{}",
    }.items()
)
TYPES = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    tiny.add_adder(root)
    sides = tensors("input", right="FP32", left="FP32")
    results = tensors("output", first="FP32", second="FP32")
    whole = 'default_model_filename: "net.pt"\n' + OPTIONS
    tiny.add_model(
        root,
        "subtract",
        tiny.Subtract(),
        whole + (sides + results).replace("[3]", "[-1, 3]"),
        "net.pt",
    )
    batched = "max_batch_size: 4\n"
    tiny.add_model(
        root,
        "indexed",
        tiny.Subtract(),
        batched + tensors("input", side__1="FP32", side__0="FP32") + tensors("output", x="FP32"),
    )
    tiny.add_model(
        root,
        "mapping",
        tiny.SubtractNamed(),
        batched + sides + tensors("output", x="FP32") + "instance_group { kind: KIND_MODEL }\n",
    )
    echoed = {f"IN__{i}": name for i, name in enumerate(TYPES)}
    returned = {f"OUT__{i}": name for i, name in enumerate(TYPES)}
    returned |= {"OUT__9": "FP64 1, 3", "OUT__10": "FP64"}
    tiny.add_model(
        root,
        "echo",
        tiny.Echo(),
        batched + tensors("input", **echoed) + tensors("output", **returned),
    )
    tiny.add_model(
        root,
        "moody",
        tiny.Moody(),
        batched + tensors("input", x="FP32") + tensors("output", y="FP32"),
    )
    one = tensors("input", x="FP32") + tensors("output", y="FP32")
    tiny.add_model(root, "masked", tiny.MaybeMasked(), batched + one)
    tiny.add_model(root, "unbuilt", tiny.Moody(), batched + one, "other.pt")
    return root


@pytest.fixture(scope="module")
def client(repository: Path) -> Iterator[InferenceServerClient]:
    with TritonProcess(TritonConfig(repository, SERVED)) as server:
        connection = InferenceServerClient(f"127.0.0.1:{server.config.ports.grpc}")
        yield connection
        connection.close()


def infer(client: InferenceServerClient, model: str, **arrays: np.ndarray):
    inputs = [
        InferInput(name, array.shape, np_to_triton_dtype(array.dtype))
        for name, array in arrays.items()
    ]
    for tensor, array in zip(inputs, arrays.values(), strict=True):
        tensor.set_data_from_numpy(array)
    return client.infer(model, inputs)


def refusal(client: InferenceServerClient, model: str, **arrays: np.ndarray) -> str:
    with pytest.raises(InferenceServerException) as caught:
        infer(client, model, **arrays)
    return caught.value.message()


def test_requests_are_batched_and_each_gets_its_own_rows(client):
    batches = [np.full((rows, 3), rows, np.float32) for rows in (1, 2, 3)]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda x: infer(client, "add", INPUT__0=x), batches))
    for x, answer in zip(batches, answers, strict=True):
        np.testing.assert_array_equal(answer.as_numpy("OUTPUT__0"), x + 1)
    counts = np.concatenate([answer.as_numpy("OUTPUT__1") for answer in answers])
    assert set(counts.flat) == {6}


def test_argument_names_win_over_the_order_of_the_configuration(client):
    answer = infer(client, "subtract", right=RIGHT, left=LEFT)
    np.testing.assert_array_equal(answer.as_numpy("first"), LEFT - RIGHT)
    np.testing.assert_array_equal(answer.as_numpy("second"), LEFT + RIGHT)


def test_an_index_in_the_name_places_an_input(client):
    answer = infer(client, "indexed", side__1=RIGHT, side__0=LEFT)
    np.testing.assert_array_equal(answer.as_numpy("x"), LEFT - RIGHT)


def test_a_dict_argument_gets_the_inputs_by_name(client):
    answer = infer(client, "mapping", right=RIGHT, left=LEFT)
    np.testing.assert_array_equal(answer.as_numpy("x"), LEFT - RIGHT)


def test_every_datatype_passes_there_and_back(client):
    values = np.random.default_rng(0).integers(0, 2, (2, 3))
    arrays = {f"IN__{i}": values.astype(kind) for i, kind in enumerate(TYPES.values())}
    answer = infer(client, "echo", **arrays)
    for i, kind in enumerate(TYPES.values()):
        echoed = answer.as_numpy(f"OUT__{i}")
        assert echoed.dtype == kind
        np.testing.assert_array_equal(echoed, values.astype(kind))


def test_any_memory_layout_of_an_output_arrives_in_order(client):
    values = np.arange(6.0).reshape(2, 3)
    arrays = {f"IN__{i}": values.astype(kind) for i, kind in enumerate(TYPES.values())}
    answer = infer(client, "echo", **arrays)
    np.testing.assert_array_equal(answer.as_numpy("OUT__9"), values[:, None])
    np.testing.assert_array_equal(answer.as_numpy("OUT__10"), values[:, ::-1])


@pytest.mark.parametrize(
    ("mood", "text"),
    [
        (1, "PyTorch execute failure: builtins.ValueError: no way in secret.py"),
        (2, "output 'y' has 1 rows for a batch of 2"),
        (3, "output 'y' has 4 rows for a batch of 2"),
        (4, "output 'y' is configured as float32, forward returned float64"),
        (5, "output 'y' is a scalar, which is not supported"),
        (6, "PyTorch execute failure: RuntimeError: shape '[-1, 7]' is invalid for input"),
    ],
)
def test_a_failing_call_answers_one_line_and_the_next_call_works(client, mood, text):
    message = refusal(client, "moody", x=np.full((2, 3), mood, np.float32))
    assert text in message
    assert "Traceback" not in message
    assert "\n" not in message
    good = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(infer(client, "moody", x=good).as_numpy("y"), good)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("masked", "argument 'mask' of forward is Optional[Tensor]; only Tensor"),
        ("unbuilt", "version 1 has no model.pt"),
    ],
)
def test_what_cannot_be_served_is_refused_at_load(client, model, text):
    with pytest.raises(InferenceServerException) as caught:
        client.load_model(model)
    assert text in caught.value.message()
