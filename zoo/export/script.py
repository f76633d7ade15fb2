"""Eager to TorchScript: script, freeze, save, reload, compare with eager, or refuse."""

import copy
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit.frontend import FrontendError

TOLERANCE = 1e-5  # largest difference of one probability between the file and eager
BATCHES = (1, 8)  # the smallest and the largest that Triton is configured to form


class ExportError(RuntimeError):
    """The exported model is not what eager PyTorch computes, or may not travel as a file."""


def to_torchscript(served: nn.Module, image_size: int) -> bytes:
    """The file that Triton loads, proven equal to ``served``.

    Scripted, because a trace would keep one batch size and the device it was made on. Frozen,
    which folds batch norms into convolutions where they are neighbours. No memory layout is
    chosen: pixels arrive channels last, the network keeps them so, and weights laid out the same
    way gain nothing more. ``optimize_for_inference`` is out of the question: its files do not
    load again. ``served`` itself is left as it was.

    Args:
        served: uint8 images (B, S, S, 3) in, probabilities (B, classes) out.
        image_size: S, in pixels.

    Raises:
        ExportError: TorchScript cannot express the model, or the file would be tied to a device,
            or it does not answer as eager does.
    """
    eager = copy.deepcopy(served).eval()
    file = io.BytesIO()
    with _torchscript():
        frozen = torch.jit.freeze(_script(eager))
        refuse_pinned_devices(frozen)
        torch.jit.save(frozen, file)
    compare(file.getvalue(), served, image_size)
    return file.getvalue()


def compare(file: bytes, served: nn.Module, image_size: int) -> float:
    """The largest difference between the saved model and eager, over all batches tried.

    Raises:
        ExportError: shape, type or best class differ, a value is not finite, or the difference
            is above TOLERANCE.
    """
    with _torchscript():
        reloaded: nn.Module = torch.jit.load(  # type: ignore[no-untyped-call]
            io.BytesIO(file), map_location="cpu"
        )
    eager = copy.deepcopy(served).eval()
    return max(_difference(reloaded, eager, probe(batch, image_size)) for batch in BATCHES)


def probe(batch: int, image_size: int) -> Tensor:
    """Images (B, S, S, 3) uint8 to compare on, the same at every call; the eighth is black."""
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, image_size, image_size, 3)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    images[7:] = 0
    return images


def refuse_pinned_devices(frozen: torch.jit.ScriptModule) -> None:
    """ExportError if the graph names a device, or makes a tensor on the default one.

    Such a file fails on any other device; constants of the graph move with ``map_location``.
    """
    for node in _nodes(frozen.graph):
        if _names_a_device(node) or _uses_the_default_device(node):
            raise ExportError(
                f"the graph is tied to a device by `{str(node).strip()}`; "
                "make tensors from an input, as in x.new_zeros(…)"
            )


def _script(eager: nn.Module) -> torch.jit.ScriptModule:
    try:
        scripted: torch.jit.ScriptModule = torch.jit.script(eager)
    except (FrontendError, RuntimeError) as error:  # its parser and its compiler
        raise ExportError(f"TorchScript cannot express the model: {error}") from error
    return scripted


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _names_a_device(node: Any) -> bool:
    constant: bool = node.kind() == "prim::Constant"
    return constant and node.output().type().kind() == "DeviceObjType"


def _uses_the_default_device(node: Any) -> bool:
    """Whether the operator takes a device, is given none, and has no tensor to take it from."""
    if "Device? device" not in node.schema():
        return False
    has_tensor = any(value.type().kind() == "TensorType" for value in node.inputs())
    return not has_tensor and node.namedInput("device").type().kind() == "NoneType"


def _difference(reloaded: nn.Module, eager: nn.Module, images: Tensor) -> float:
    with torch.inference_mode():
        got: Tensor = reloaded(images)
        wanted: Tensor = eager(images)
    batch = len(images)
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        raise ExportError(
            f"batch {batch}: the file answers {got.dtype} {tuple(got.shape)}, "
            f"eager {wanted.dtype} {tuple(wanted.shape)}"
        )
    difference = (got - wanted).abs().max().item()
    if not difference <= TOLERANCE:  # written so that NaN is refused
        raise ExportError(
            f"batch {batch}: the file differs from eager by {difference:.2g}; "
            f"at most {TOLERANCE:.0e} is accepted"
        )
    if not torch.equal(got.argmax(dim=1), wanted.argmax(dim=1)):
        raise ExportError(f"batch {batch}: the file and eager disagree on the best class")
    return difference


@contextmanager
def _torchscript() -> Iterator[None]:
    """Accept the deprecation of TorchScript: it is the format that Triton serves."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        yield
