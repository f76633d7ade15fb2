"""From the tensors of several requests to one call of `forward`, and back."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pt_plan import Output, Plan

_ERROR_LINE = re.compile(r"^[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)
_FOLDERS = re.compile(r"(?:/[\w.@+-]+)+/")
_MESSAGE_LENGTH = 200

Tensors = Mapping[str, torch.Tensor]


class OutputError(ValueError):
    """`forward` returned something that cannot be sent; the message is fit for a client."""


def join(plan: Plan, requests: Sequence[Tensors]) -> dict[str, torch.Tensor]:
    """The inputs of all requests, (sum of rows, ...) each; a lone request is not copied."""
    if len(requests) == 1:
        return dict(requests[0])
    return {name: torch.cat([request[name] for request in requests]) for name in plan.inputs}


def call_arguments(plan: Plan, inputs: Tensors) -> tuple[Any, ...]:
    """What `forward` is called with."""
    if plan.as_dict:
        return (dict(inputs),)
    return tuple(inputs[name] for name in plan.inputs)


def read_results(plan: Plan, results: Any, rows: int) -> dict[str, torch.Tensor]:
    """The planned outputs of one call, contiguous on the CPU; raises OutputError.

    ``rows`` is what axis 0 of every output must hold when the plan is batched.
    """
    values = results if isinstance(results, tuple) else (results,)
    for value in values:
        if not isinstance(value, torch.Tensor):
            raise OutputError(
                f"forward returned a {type(value).__name__}; it must be a Tensor or a tuple of them"
            )
    outputs = {output.name: _pick(output, values) for output in plan.outputs}
    for name, tensor in outputs.items():
        if plan.batched and len(tensor) != rows:
            raise OutputError(f"output '{name}' has {len(tensor)} rows for a batch of {rows}")
    return {name: tensor.detach().cpu().contiguous() for name, tensor in outputs.items()}


def split(outputs: Tensors, rows: Sequence[int]) -> list[dict[str, torch.Tensor]]:
    """Each request's rows of every output, in the order of the requests."""
    parts = {name: torch.split(tensor, list(rows)) for name, tensor in outputs.items()}
    return [{name: part[i] for name, part in parts.items()} for i in range(len(rows))]


def public_message(error: Exception) -> str:
    """One short line about ``error``: no traceback, no folder of this machine."""
    text = str(error).strip()
    lines = _ERROR_LINE.findall(text) or text.splitlines() or [type(error).__name__]
    # TorchScript puts its traceback before the line that names the error.
    return _FOLDERS.sub("", lines[0])[:_MESSAGE_LENGTH]


def _pick(output: Output, values: tuple[torch.Tensor, ...]) -> torch.Tensor:
    if output.index >= len(values):
        raise OutputError(
            f"output '{output.name}' refers to index {output.index}, forward returned {len(values)}"
        )
    tensor = values[output.index]
    if tensor.dtype != output.dtype:
        raise OutputError(
            f"output '{output.name}' is configured as {output.dtype}, forward returned "
            f"{tensor.dtype}".replace("torch.", "")
        )
    if tensor.dim() == 0:
        raise OutputError(f"output '{output.name}' is a scalar, which is not supported")
    return tensor
