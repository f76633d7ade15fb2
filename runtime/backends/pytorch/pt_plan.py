"""Match the tensors a configuration names with the arguments and results of `forward`.

The rules are those of Triton's LibTorch backend (pytorch_backend, src/libtorch.cc), so that one
configuration means the same on both. Where LibTorch would read outside its arrays, we refuse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from pt_options import RefusedError

DTYPES = {
    "TYPE_BOOL": torch.bool,
    "TYPE_UINT8": torch.uint8,
    "TYPE_INT8": torch.int8,
    "TYPE_INT16": torch.int16,
    "TYPE_INT32": torch.int32,
    "TYPE_INT64": torch.int64,
    "TYPE_FP16": torch.float16,
    "TYPE_FP32": torch.float32,
    "TYPE_FP64": torch.float64,
}
_UNSUPPORTED_SECTIONS = ("batch_input", "batch_output", "sequence_batching")


@dataclass(frozen=True)
class Output:
    """One output of the configuration: where `forward` returns it and what it must be."""

    name: str
    index: int
    dtype: torch.dtype


@dataclass(frozen=True)
class Plan:
    """How requests become a call of `forward`, and its results responses."""

    inputs: tuple[str, ...]  # in the order of forward's arguments
    as_dict: bool  # forward takes one dict with these names as keys
    outputs: tuple[Output, ...]
    batched: bool  # axis 0 is Triton's batch axis


def make_plan(config: Mapping[str, Any], schema: torch.FunctionSchema) -> Plan:
    """The plan for a configuration and the schema of `forward`; raises RefusedError."""
    for section in _UNSUPPORTED_SECTIONS:
        if config.get(section):
            raise RefusedError(f"{section} is not supported by this backend")
    for kind in ("input", "output"):
        _check_tensors(kind, config[kind])
    names = [tensor["name"] for tensor in config["input"]]
    arguments = schema.arguments[1:]  # the first one is self
    as_dict = len(arguments) == 1 and str(arguments[0].type) == "Dict[str, Tensor]"
    return Plan(
        inputs=tuple(names if as_dict else _in_order(names, arguments)),
        as_dict=as_dict,
        outputs=tuple(_outputs(config["output"])),
        batched=config["max_batch_size"] > 0,
    )


def indices(names: Sequence[str]) -> list[int]:
    """Where each name belongs: its number if all are `<x>__<number>`, else its own place."""
    numbers = [name.partition("__")[2] for name in names]
    if all(number.isdecimal() for number in numbers):
        return [int(number) for number in numbers]
    return list(range(len(names)))


def _in_order(names: Sequence[str], arguments: Sequence[torch.Argument]) -> list[str]:
    """The input names in the order of forward's arguments."""
    for argument in arguments:
        if str(argument.type) != "Tensor":
            raise RefusedError(
                f"argument {argument.name!r} of forward is {argument.type}; "
                "only Tensor arguments, or a single Dict[str, Tensor], can be fed"
            )
    if len(names) != len(arguments):
        raise RefusedError(
            f"the configuration has {len(names)} inputs, forward takes {len(arguments)}"
        )
    expected = [argument.name for argument in arguments]
    if set(names) <= set(expected):
        return expected
    places = indices(names)
    if sorted(places) != list(range(len(names))):
        raise RefusedError(
            f"the indices of inputs {', '.join(names)} must be 0 to {len(names) - 1}"
        )
    return [name for _, name in sorted(zip(places, names, strict=True))]


def _outputs(tensors: Sequence[Mapping[str, Any]]) -> list[Output]:
    places = indices([tensor["name"] for tensor in tensors])
    return [
        Output(tensor["name"], place, DTYPES[tensor["data_type"]])
        for tensor, place in zip(tensors, places, strict=True)
    ]


def _check_tensors(kind: str, tensors: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what this backend cannot pass between Triton and torch."""
    if not tensors:
        raise RefusedError(f"the configuration names no {kind}")
    for tensor in tensors:
        name, data_type = tensor["name"], tensor["data_type"]
        if data_type not in DTYPES:
            raise RefusedError(f"{kind} {name!r} has unsupported datatype {data_type}")
        for flag in ("optional", "allow_ragged_batch"):
            if tensor.get(flag):
                raise RefusedError(
                    f"{kind} {name!r} sets {flag}, which this backend does not support"
                )
