"""A Python-based Triton backend named `pytorch`: runs model.pt as the LibTorch backend would.

It lives in the interpreter of Triton's stub, one process per model instance, and imports nothing of
ours but the `pt_*` modules beside it. Tensors cross by DLPack in both directions: under NumPy 2 the
NumPy bridge of this stub corrupts arrays silently (python_backend before 24.11).
"""

import json
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
import triton_python_backend_utils as pb_utils
from pt_batch import OutputError, Tensors, call_arguments, join, public_message, read_results, split
from pt_options import RefusedError, read_options
from pt_plan import make_plan
from torch.jit import optimized_execution  # type: ignore[attr-defined]  # public, but not exported


class TritonPythonModel:
    """One instance of one model: Triton calls `initialize` once, then `execute` per batch."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the module and match it with its configuration, or refuse with the reason."""
        config = json.loads(args["model_config"])
        try:
            self.options = read_options(config)
            self.device = device_of(args["model_instance_kind"], args["model_instance_device_id"])
            folder = Path(args["model_repository"], args["model_version"])
            self.module = load(folder / self.options.file_name, self.device)
            schema = self.module.forward.schema  # type: ignore[attr-defined]
            self.plan = make_plan(config, schema)
        except RefusedError as refusal:
            raise pb_utils.TritonModelException(str(refusal)) from None
        if self.options.intra_op_threads:
            torch.set_num_threads(self.options.intra_op_threads)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """One response per request, in their order; an error answers every request of its call."""
        running = [request for request in requests if not request.is_cancelled()]
        calls = [running] if self.plan.batched and running else [[request] for request in running]
        answers = {id(request): answer for call in calls for request, answer in self._answer(call)}
        return [
            answers.get(id(request)) or failure("cancelled", "CANCELLED") for request in requests
        ]

    def _answer(self, requests: list[Any]) -> list[tuple[Any, Any]]:
        """Each request with its response, after one call of `forward` for all of them."""
        try:
            parts = self._infer([self._read(request) for request in requests])
            answers = [
                respond(part, request.requested_output_names())
                for part, request in zip(parts, requests, strict=True)
            ]
        except OutputError as error:
            answers = [failure(str(error), "INVALID_ARG") for _ in requests]
        except Exception as error:
            # Whatever a model raises: its clients get one line, the log has the rest.
            pb_utils.Logger.log_error(traceback.format_exc())
            text = f"PyTorch execute failure: {public_message(error)}"
            answers = [failure(text, "INTERNAL") for _ in requests]
        return list(zip(requests, answers, strict=True))

    def _read(self, request: Any) -> Tensors:
        """The input tensors of one request, on the instance's device."""
        tensors = {
            name: pb_utils.get_input_tensor_by_name(request, name) for name in self.plan.inputs
        }
        return {
            name: torch.utils.dlpack.from_dlpack(tensor.to_dlpack()).to(self.device)
            for name, tensor in tensors.items()
        }

    def _infer(self, requests: Sequence[Tensors]) -> Sequence[Tensors]:
        """Run `forward` once on the rows of all requests; the outputs of each."""
        first = self.plan.inputs[0]
        rows = [len(request[first]) for request in requests] if self.plan.batched else []
        inputs = join(self.plan, requests)
        with (
            torch.no_grad(),
            torch.inference_mode(self.options.inference_mode),
            optimized_execution(self.options.optimized_execution),
        ):
            results = self.module(*call_arguments(self.plan, inputs))
            outputs = read_results(self.plan, results, sum(rows))
            return split(outputs, rows) if self.plan.batched else [outputs]


def device_of(kind: str, device_id: str) -> torch.device | None:
    """Where an instance runs: None for KIND_MODEL, which leaves that to the module."""
    if kind == "MODEL":
        return None
    if kind == "CPU":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RefusedError("the instance group asks for KIND_GPU and torch sees no CUDA device")
    return torch.device("cuda", int(device_id))


def load(path: Path, device: torch.device | None) -> torch.jit.ScriptModule:
    """The TorchScript module in ``path``, for inference on ``device``."""
    if not path.exists():
        raise RefusedError(f"version {path.parent.name} has no {path.name}")
    try:
        return torch.jit.load(path, map_location=device)  # type: ignore[no-untyped-call,no-any-return]
    except RuntimeError as error:
        raise RefusedError(
            f"{path.name} is no TorchScript archive: {public_message(error)}"
        ) from None


def respond(outputs: Tensors, wanted: Collection[str]) -> Any:
    """The response that carries those of ``outputs`` that are ``wanted``; each costs a copy."""
    return pb_utils.InferenceResponse(
        [
            pb_utils.Tensor.from_dlpack(name, tensor)
            for name, tensor in outputs.items()
            if name in wanted
        ]
    )


def failure(text: str, code: str) -> Any:
    """The response that says what went wrong; ``code`` is one of TritonError's."""
    error = pb_utils.TritonError(text, getattr(pb_utils.TritonError, code))
    return pb_utils.InferenceResponse(error=error)
