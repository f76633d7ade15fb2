"""TorchScript, the format that Triton's PyTorch backend runs: fold, script, freeze, save."""

import copy
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit.frontend import FrontendError

from zoo.export.exporter import Answers, ExportError, Run
from zoo.export.fold import fold
from zoo.export.probes import Size
from zoo.export.wrap import Served

PYTHON = ("prim::PythonOp", "prim::CallFunction", "prim::CallMethod")  # frozen away, if at all

PARAMETERS = """\
parameters { key: "INFERENCE_MODE" value { string_value: "true" } }
# Networks of convolutions run as fast without the JIT's profiling, and the first requests do
# not pay for it, whatever their batch size.
parameters { key: "DISABLE_OPTIMIZED_EXECUTION" value { string_value: "true" } }
"""


class TorchScript:
    """Scripted, because a trace would keep one batch size and the device it was made on.

    No memory layout is chosen: pixels arrive channels last, the network keeps them so, and weights
    laid out the same way gain nothing more. ``optimize_for_inference`` is out of the question: its
    files do not load again.
    """

    name = "torchscript"
    file_name = "model.pt"
    backend = "pytorch"
    note = "Triton's own LibTorch backend where there is one, the project's Python one elsewhere."
    parameters = PARAMETERS

    def write(self, served: Served, image_size: Size) -> bytes:  # noqa: ARG002
        """The archive; a graph that calls Python or is tied to a device is refused."""
        model = copy.deepcopy(served).eval()
        model.set_submodule(model.foldable, fold(model.get_submodule(model.foldable)))
        return archive(model)

    def load(self, file: bytes) -> Run:
        """What the archive computes, by the CPU's kernels."""
        with _torchscript():
            module: nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(file), map_location="cpu"
            )

        def run(images: Tensor) -> Answers:
            answers: Answers = module(images)
            return answers

        return run


def archive(model: nn.Module) -> bytes:
    """``model`` scripted, frozen and saved.

    Raises:
        ExportError: TorchScript cannot express it, or the file would need Python or one device.
    """
    file = io.BytesIO()
    with _torchscript():
        frozen = torch.jit.freeze(_script(model))
        for node in _nodes(frozen.graph):
            _refuse_python(node)
            _refuse_pinned_device(node)
        torch.jit.save(frozen, file)
    return file.getvalue()


def _script(model: nn.Module) -> torch.jit.ScriptModule:
    try:
        scripted: torch.jit.ScriptModule = torch.jit.script(model)
    except (FrontendError, RuntimeError) as error:  # its parser and its compiler
        raise ExportError(f"TorchScript cannot express the model: {error}") from error
    return scripted


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _refuse_python(node: Any) -> None:
    if node.kind() in PYTHON:
        raise ExportError(f"the graph leaves TorchScript by `{str(node).strip()}`")


def _refuse_pinned_device(node: Any) -> None:
    """A file that names a device, or makes a tensor on the default one, fails on any other.

    Constants of the graph move with ``map_location``.
    """
    if _names_a_device(node) or _uses_the_default_device(node):
        raise ExportError(
            f"the graph is tied to a device by `{str(node).strip()}`; "
            "make tensors from an input, as in x.new_zeros(…)"
        )


def _names_a_device(node: Any) -> bool:
    constant: bool = node.kind() == "prim::Constant"
    return constant and node.output().type().kind() == "DeviceObjType"


def _uses_the_default_device(node: Any) -> bool:
    """Whether the operator takes a device, is given none, and has no tensor to take it from."""
    if "Device? device" not in node.schema():
        return False
    has_tensor = any(value.type().kind() == "TensorType" for value in node.inputs())
    return not has_tensor and node.namedInput("device").type().kind() == "NoneType"


@contextmanager
def _torchscript() -> Iterator[None]:
    """Accept the deprecation of TorchScript: it is the format that Triton serves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        yield
