"""Which configuration fits which `forward`: LibTorch's rules, and what is refused."""

import pytest
import torch
from pt_batch import OutputError, join, public_message, read_results, split
from pt_options import Options, RefusedError, read_options
from pt_plan import Output, Plan, indices, make_plan

from tests.runtime import tiny


def config(inputs: list[str], outputs: list[str], **extra) -> dict:
    def described(names: list[str]) -> list[dict]:
        return [{"name": name, "data_type": "TYPE_FP32"} for name in names]

    return {"max_batch_size": 8, "input": described(inputs), "output": described(outputs)} | extra


def schema_of(module: torch.nn.Module) -> torch.FunctionSchema:
    return tiny.script(module).forward.schema


def plan_of(module: torch.nn.Module, **changes) -> Plan:
    document = config(["x"], ["y"]) | changes
    return make_plan(document, schema_of(module))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (["right", "left"], ("left", "right")),
        (["b__1", "a__0"], ("a__0", "b__1")),
        (["b__1", "a"], ("b__1", "a")),
        (["second", "first"], ("second", "first")),
        (["left", "other"], ("left", "other")),
        (["a__b__1", "a__b__0"], ("a__b__1", "a__b__0")),
    ],
)
def test_inputs_go_by_argument_name_then_by_index_then_by_position(names, order):
    assert make_plan(config(names, ["y"]), schema_of(tiny.Subtract())).inputs == order


def test_outputs_go_by_index_or_else_by_position():
    assert indices(["b__3", "a__0"]) == [3, 0]
    assert indices(["b__3", "a"]) == [0, 1]


@pytest.mark.parametrize(
    ("module", "changes", "message"),
    [
        (tiny.MaybeMasked(), {}, r"'mask' of forward is Optional\[Tensor\]"),
        (tiny.Scaled(), {}, "'scale' of forward is float"),
        (tiny.Subtract(), {}, "the configuration has 1 inputs, forward takes 2"),
        (tiny.Subtract(), config(["a__0", "b__2"], ["y"]), "indices of inputs a__0, b__2"),
        (tiny.Moody(), {"input": []}, "names no input"),
        (tiny.Moody(), {"output": []}, "names no output"),
        (tiny.Moody(), {"sequence_batching": {"x": 1}}, "sequence_batching is not supported"),
    ],
)
def test_a_forward_that_cannot_be_fed_is_refused(module, changes, message):
    with pytest.raises(RefusedError, match=message):
        plan_of(module, **changes)


@pytest.mark.parametrize("kind", ["input", "output"])
@pytest.mark.parametrize("data_type", ["UINT16", "UINT32", "UINT64", "BF16", "STRING"])
def test_a_datatype_that_torch_or_this_backend_lacks_is_refused(kind, data_type):
    tensor = {"name": "t", "data_type": f"TYPE_{data_type}"}
    with pytest.raises(RefusedError, match=f"{kind} 't' has unsupported datatype TYPE_{data_type}"):
        plan_of(tiny.Moody(), **{kind: [tensor]})


@pytest.mark.parametrize("flag", ["optional", "allow_ragged_batch"])
def test_optional_and_ragged_inputs_are_refused(flag):
    with pytest.raises(RefusedError, match=flag):
        plan_of(tiny.Moody(), input=[{"name": "x", "data_type": "TYPE_FP32", flag: True}])


def parameters(**values: str) -> dict:
    return {"parameters": {key: {"string_value": value} for key, value in values.items()}}


@pytest.mark.parametrize("text", ["true", "TRUE", "On", "1"])
def test_a_true_parameter_has_several_spellings(text):
    options = read_options(parameters(DISABLE_OPTIMIZED_EXECUTION=text, INFERENCE_MODE="oFF"))
    assert options == Options(optimized_execution=False, inference_mode=False)


def test_unknown_parameters_and_thread_counts_below_one_change_nothing():
    assert read_options(parameters(anything="at all", INTRA_OP_THREAD_COUNT="-1")) == Options()


@pytest.mark.parametrize(
    ("key", "text"), [("INFERENCE_MODE", "yes"), ("INTRA_OP_THREAD_COUNT", "two")]
)
def test_a_parameter_that_cannot_be_read_is_refused_by_name(key, text):
    with pytest.raises(RefusedError, match=f"{key} is '{text}'"):
        read_options(parameters(**{key: text}))


PLAN = Plan(("x",), as_dict=False, outputs=(Output("y", 1, torch.float32),), batched=True)


def test_joining_and_splitting_returns_each_request_its_rows():
    requests = [{"x": torch.full((rows, 2), float(rows))} for rows in (1, 3, 2)]
    joined = join(PLAN, requests)
    parts = split({"y": joined["x"]}, [1, 3, 2])
    for request, part in zip(requests, parts, strict=True):
        torch.testing.assert_close(part["y"], request["x"], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (torch.zeros(2), "refers to index 1, forward returned 1"),
        ([torch.zeros(2), torch.zeros(2)], "forward returned a list"),
        ({"y": torch.zeros(2)}, "forward returned a dict"),
        ((torch.zeros(2), 1.0), "forward returned a float"),
        ((torch.zeros(2), torch.tensor(1.0)), "'y' is a scalar"),
        ((torch.zeros(2), torch.zeros(2).long()), "float32, forward returned int64"),
        ((torch.zeros(2), torch.zeros(3)), "3 rows for a batch of 2"),
        ((torch.zeros(2), torch.zeros(1)), "1 rows for a batch of 2"),
    ],
)
def test_results_that_cannot_be_sent_are_refused(results, message):
    with pytest.raises(OutputError, match=message):
        read_results(PLAN, results, rows=2)


def test_a_public_message_is_one_short_line_without_folders():
    text = 'Traceback\n  File "/a/b.py"\nRuntimeError: cannot open /root/a-b/c.txt\nmore /root'
    assert public_message(RuntimeError(text)) == "RuntimeError: cannot open c.txt"
    assert public_message(RuntimeError("x" * 999)) == "x" * 200
    assert public_message(ValueError()) == "ValueError"
