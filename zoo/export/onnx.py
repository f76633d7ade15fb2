"""ONNX, the format of ONNX Runtime: for whoever must not depend on TorchScript."""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import onnxruntime
import torch
from onnxscript import FLOAT, INT64, opset18
from torch import Tensor

from contract.recipe import Task
from zoo.export.exporter import Answers, ExportError, Run
from zoo.export.probes import Size, probe
from zoo.export.wrap import Served

INPUT = "INPUT__0"
OUTPUTS = ("OUTPUT__0", "OUTPUT__1")


class Onnx:
    """A graph of ONNX operators for any batch size, with the weights inside the file.

    The network goes in as it was defined: ONNX Runtime folds and lays out for itself.
    """

    name = "onnx"
    file_name = "model.onnx"
    backend = "onnxruntime"
    note = "Triton's ONNX Runtime backend."
    parameters = ""

    def write(self, served: Served, image_size: Size) -> bytes:
        """The serialised graph; detectors are refused."""
        if served.task is Task.DETECTION:
            raise ExportError(
                "ONNX cannot hold a detector: suppression repeats until nothing changes, and "
                "torch.onnx cannot follow a loop that depends on the data; use --format torchscript"
            )
        model = copy.deepcopy(served).eval()
        with _quiet():
            program = torch.onnx.export(
                model,
                (probe(2, image_size),),
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                custom_translation_table={torch.ops.aten.sort.stable: _sort_stable},
                dynamo=True,
                verbose=False,
            )
        assert program is not None  # noqa: S101 - tells mypy that no file name was given
        content: bytes = program.model_proto.SerializeToString()
        return content

    def load(self, file: bytes) -> Run:
        """What the graph computes in ONNX Runtime, on one thread of the CPU."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

        def run(images: Tensor) -> Answers:
            answers = session.run(list(OUTPUTS), {INPUT: images.numpy()})
            return tuple(torch.from_numpy(answer) for answer in answers)

        return run


def _sort_stable(
    values: FLOAT, *, stable: bool, dim: int = -1, descending: bool = False
) -> tuple[FLOAT, INT64]:
    """torch.sort(…, stable=True) in ONNX, whose TopK puts the lower of equal entries first."""
    assert stable  # noqa: S101 - the overload that this stands for has no other form
    length = opset18.Shape(values, start=dim, end=dim + 1 or None)
    return opset18.TopK(values, length, axis=dim, largest=int(descending))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what the exporter says about itself: that torchvision is not there."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
