"""`tritonclient.http`, unmodified, gets from the gateway what the real Triton itself tells it."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from torch import Tensor, nn
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from service.tensors import DATATYPES
from tests.e2e.stack import REPOSITORY, Stack, serve
from tests.runtime.tiny import Echo, add_model, script, tensors

Client = triton.InferenceServerClient
KINDS = ("BOOL", "UINT8", "INT8", "INT16", "INT32", "INT64", "FP16", "FP32", "FP64")
ECHO = {f"IN__{i}": np.array([[1, 0], [3, 7]], DATATYPES[kind]) for i, kind in enumerate(KINDS)}
ROWS = np.array([[0.5, 3, -1, 2], [4, 0.25, 4.5, -2]], np.float32)
NOT_HERE = {
    "sequence", "model_repository", "model_repository(unload_dependents)", "system_shared_memory",
    "cuda_shared_memory", "trace", "logging",
}  # fmt: skip


class Soft(nn.Module):
    """Probabilities, and what they are of."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.softmax(x, 1), x


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    inputs = tensors("input", **{f"IN__{i}": f"{kind} 2" for i, kind in enumerate(KINDS)})
    outputs = tensors("output", **{f"OUT__{i}": f"{kind} 2" for i, kind in enumerate(KINDS)})
    add_model(folder, "echo", Echo(), "max_batch_size: 4\n" + inputs + outputs)
    config = 'output { name: "y__0" data_type: TYPE_FP32 dims: [4] label_filename: "labels.txt" }\n'
    config += tensors("input", x="FP32 4") + tensors("output", y__1="FP32 4")
    config += "max_batch_size: 4\ndynamic_batching { }\nversion_policy { all { } }\n"
    add_model(folder, "soft", Soft(), config)
    (folder / "soft/labels.txt").write_text("apple\nbird\ncar\ndog\n")
    (folder / "soft/2").mkdir()
    script(Soft()).save(str(folder / "soft/2/model.pt"))
    for name in ("mbv2_simam", "mbv2_none"):  # the second is not loaded
        (folder / name).symlink_to(REPOSITORY / name)
    return folder


@pytest.fixture(scope="module")
def stack(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    log = tmp_path_factory.mktemp("protocol") / "log"
    with serve(log, models="echo,soft,mbv2_simam", repository=repository) as running:
        yield running


@pytest.fixture(scope="module")
def gateway(stack: Stack) -> Iterator[Client]:
    with Client(stack.url.removeprefix("http://"), concurrency=4) as client:
        yield client


@pytest.fixture(scope="module")
def direct(stack: Stack) -> Iterator[Client]:
    with Client(f"127.0.0.1:{stack.triton_port('http')}") as client:
        yield client


def given(arrays: dict[str, np.ndarray], binary: Callable[[str], bool] = lambda _: True):
    inputs = []
    for name, array in arrays.items():
        one = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        inputs.append(one.set_data_from_numpy(array, binary_data=binary(name)))
    return inputs


def wanted(*names: str, **options: Any):
    return [triton.InferRequestedOutput(name, **options) for name in names]


def same(gateway: Client, direct: Client, model: str, inputs, **options: Any):
    """What the gateway answers, which is what Triton answers."""
    got = gateway.infer(model, inputs, **options)
    expected = direct.infer(model, inputs, **options)
    assert got.get_response() == expected.get_response()
    for output in expected.get_response()["outputs"]:
        np.testing.assert_array_equal(
            got.as_numpy(output["name"]), expected.as_numpy(output["name"])
        )
    return got


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.is_server_live(),
        lambda c: c.is_server_ready(),
        lambda c: c.is_model_ready("soft"),
        lambda c: c.is_model_ready("soft", "1"),
        lambda c: c.is_model_ready("soft", "9"),
        lambda c: c.is_model_ready("mbv2_none"),
        lambda c: c.is_model_ready("nobody"),
        lambda c: c.get_model_metadata("soft"),
        lambda c: c.get_model_metadata("soft", "1"),
        lambda c: c.get_model_metadata("echo"),
        lambda c: c.get_model_metadata("mbv2_simam"),
        lambda c: c.get_model_config("soft"),
        lambda c: c.get_model_config("soft", "2"),
        lambda c: c.get_model_config("echo"),
        lambda c: c.get_model_config("mbv2_simam"),
        lambda c: sorted(c.get_model_repository_index(), key=str),
    ],
)  # fmt: skip
def test_questions_are_answered_as_triton_does(gateway: Client, direct: Client, ask) -> None:
    assert ask(gateway) == ask(direct)


def test_the_server_is_triton_without_what_a_gateway_cannot_pass_on(
    gateway: Client, direct: Client
) -> None:
    got, expected = gateway.get_server_metadata(), direct.get_server_metadata()
    assert set(expected["extensions"]) - set(got["extensions"]) == NOT_HERE
    expected["extensions"] = [name for name in expected["extensions"] if name not in NOT_HERE]
    assert got == expected


def test_statistics_are_tritons(gateway: Client, direct: Client) -> None:
    gateway.infer("soft", given({"x": ROWS}), model_version="1")
    for version in ("", "1"):
        got = gateway.get_inference_statistics("soft", version)
        assert got == direct.get_inference_statistics("soft", version)
    stats = got["model_stats"][0]
    assert stats["inference_count"] >= 2
    assert stats["inference_stats"]["success"]["ns"] > 0
    names = {
        (one["name"], one["version"]) for one in gateway.get_inference_statistics()["model_stats"]
    }
    assert names == {("echo", "1"), ("mbv2_simam", "1"), ("soft", "1"), ("soft", "2")}


@pytest.mark.parametrize("json", [(), ("IN__0", "IN__7"), set(ECHO) - {"IN__6"}])
def test_every_datatype_there_and_back(gateway: Client, direct: Client, json) -> None:
    got = same(gateway, direct, "echo", given(ECHO, lambda name: name not in json))
    for i, array in enumerate(ECHO.values()):
        np.testing.assert_array_equal(got.as_numpy(f"OUT__{i}"), array)
        assert got.as_numpy(f"OUT__{i}").dtype == array.dtype


def test_outputs_in_json_and_a_subset_of_them(gateway: Client, direct: Client) -> None:
    outputs = wanted("OUT__5", "OUT__7", "OUT__0", binary_data=False) + wanted("OUT__6")
    got = same(gateway, direct, "echo", given(ECHO), outputs=outputs, request_id="mine")
    assert got.get_response()["id"] == "mine"
    assert got.as_numpy("OUT__1") is None


@pytest.mark.parametrize("binary", [True, False])
def test_classes(gateway: Client, direct: Client, binary: bool) -> None:
    outputs = wanted("y__0", class_count=2, binary_data=binary) + wanted("y__1")
    got = same(gateway, direct, "soft", given({"x": ROWS}), outputs=outputs)
    text = got.as_numpy("y__0")[1][0]
    assert (text.decode() if binary else text).endswith(":2:car")


@pytest.mark.parametrize("version", ["", "1", "2"])
def test_versions(gateway: Client, direct: Client, version: str) -> None:
    got = same(gateway, direct, "soft", given({"x": ROWS}), model_version=version)
    assert got.get_response()["model_version"] == (version or "2")


def test_values_that_are_no_numbers(gateway: Client, direct: Client) -> None:
    odd = np.array([[np.nan, np.inf, -np.inf, 1e-30]], np.float32)
    inputs = given({"x": odd}, lambda _: False)
    for binary in (True, False):
        got = gateway.infer("soft", inputs, outputs=wanted("y__1", binary_data=binary))
        expected = direct.infer("soft", inputs, outputs=wanted("y__1", binary_data=binary))
        np.testing.assert_array_equal(got.as_numpy("y__1"), expected.as_numpy("y__1"))


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_compression(gateway: Client, direct: Client, coding: str) -> None:
    same(
        gateway, direct, "soft", given({"x": ROWS}), request_compression_algorithm=coding,
        response_compression_algorithm=coding,
    )  # fmt: skip


def test_parameters(gateway: Client, direct: Client) -> None:
    options = {"priority": 1, "timeout": 5_000_000, "parameters": {"a": 1, "b": "x", "c": True}}
    same(gateway, direct, "soft", given({"x": ROWS}), **options)


def test_a_vision_model(gateway: Client, direct: Client) -> None:
    metadata = gateway.get_model_metadata("mbv2_simam")
    shape = [2, *metadata["inputs"][0]["shape"][1:]]
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    inputs = given({metadata["inputs"][0]["name"]: pixels})
    got = same(gateway, direct, "mbv2_simam", inputs)
    assert len(got.as_numpy(metadata["outputs"][0]["name"])) == 2


def test_many_at_once(gateway: Client) -> None:
    calls = [gateway.async_infer("soft", given({"x": ROWS + i})) for i in range(8)]
    for i, call in enumerate(calls):
        np.testing.assert_array_equal(call.get_result().as_numpy("y__1"), ROWS + i)


def test_the_asyncio_client(stack: Stack, direct: Client) -> None:
    async def ask() -> None:
        async with triton_aio.InferenceServerClient(stack.url.removeprefix("http://")) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready("soft")
            assert (await client.get_server_metadata())["name"] == "triton"
            assert await client.get_model_metadata("soft") == direct.get_model_metadata("soft")
            assert await client.get_model_config("soft") == direct.get_model_config("soft")
            stats = await client.get_inference_statistics("soft")
            assert stats == direct.get_inference_statistics("soft")
            assert await client.get_model_repository_index()
            for binary in (True, False):
                inputs = given({"x": ROWS}, lambda _: binary)  # noqa: B023
                got = await client.infer("soft", inputs, outputs=wanted("y__1", binary_data=binary))
                np.testing.assert_array_equal(got.as_numpy("y__1"), ROWS)

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("model", "arrays", "options", "status", "words"),
    [
        ("nobody", {"x": ROWS}, {}, "404", "there is no model 'nobody'"),
        ("mbv2_none", {"x": ROWS}, {}, "503", "no version of it is loaded"),
        ("soft", {"x": ROWS}, {"model_version": "9"}, "404", "no version '9'"),
        ("soft", {"z": ROWS}, {}, "422", "no input 'z'; it has x"),
        ("soft", {}, {}, "422", "input 'x' is missing"),
        ("soft", {"x": ROWS[:, :3]}, {}, "422", "shape [-1, 4]"),
        ("soft", {"x": np.zeros((5, 4), np.float32)}, {}, "422", "takes 1 to 4"),
        ("soft", {"x": ROWS.astype(np.int32)}, {}, "422", "is FP32, not INT32"),
        ("soft", {"x": ROWS}, {"outputs": wanted("w")}, "422", "no output 'w'"),
        ("soft", {"x": ROWS}, {"sequence_id": 3}, "422", "a sequence needs one server"),
        ("soft", {"x": ROWS}, {"timeout": 1}, "504", "time ran out"),
        ("echo", ECHO, {"outputs": wanted("OUT__6", binary_data=False)}, "422", "binary data"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(  # noqa: PLR0917
    gateway: Client, model, arrays, options, status, words
) -> None:
    with pytest.raises(InferenceServerException) as caught:
        gateway.infer(model, given(arrays), **options)
    assert caught.value.status() == status
    assert words in caught.value.message()


def test_memory_of_the_server_is_not_shared(gateway: Client) -> None:
    shared = triton.InferInput("x", [2, 4], "FP32")
    shared.set_shared_memory("region", 32)
    with pytest.raises(InferenceServerException, match="input 'x': 'shared_memory_region'"):
        gateway.infer("soft", [shared])
    output = triton.InferRequestedOutput("y__0")
    output.set_shared_memory("region", 32)
    with pytest.raises(InferenceServerException, match="output 'y__0': 'shared_memory_region'"):
        gateway.infer("soft", given({"x": ROWS}), outputs=[output])
    with pytest.raises(InferenceServerException, match="not shared"):
        gateway.get_system_shared_memory_status()


def test_what_changes_the_server_is_not_passed_on(gateway: Client) -> None:
    with pytest.raises(InferenceServerException, match="POST /models/NAME/load"):
        gateway.load_model("soft")
    with pytest.raises(InferenceServerException, match="log is not set"):
        gateway.update_log_settings({"log_verbose_level": 1})


def test_predictions_are_counted_as_such(stack: Stack, gateway: Client) -> None:
    gateway.infer("soft", given({"x": ROWS}), model_version="1")
    series = httpx.get(f"{stack.url}/metrics").text.splitlines()
    name = 'fovea_request_seconds_count{model="soft",outcome="ok",version="1"}'
    assert any(line.startswith(name) for line in series)
