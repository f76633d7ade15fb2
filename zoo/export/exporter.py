"""One interface for every file format, and the proof that a file answers as eager PyTorch does."""

import copy
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from zoo.export.wrap import ServedClassifier

TOLERANCE = 1e-5  # largest difference of one probability between the file and eager
MAP_TOLERANCE = 1e-4  # largest difference in class maps, which are logits, by their largest value
BATCHES = (1, 8)  # the smallest and the largest that Triton is configured to form

Answers = tuple[Tensor, ...]  # in the order of the recipe's outputs
Run = Callable[[Tensor], Answers]


class ExportError(RuntimeError):
    """The exported model is not what eager PyTorch computes, or may not travel as a file."""


class Exporter(Protocol):
    """One file format that Triton serves."""

    @property
    def name(self) -> str:
        """What the command line calls the format."""
        ...

    @property
    def file_name(self) -> str:
        """What Triton's backend calls the file in a version folder."""
        ...

    @property
    def backend(self) -> str:
        """Triton's name of the backend."""
        ...

    @property
    def note(self) -> str:
        """What config.pbtxt says about that backend, in one line."""
        ...

    @property
    def parameters(self) -> str:
        """The lines of config.pbtxt that tune the backend, a blank one last."""
        ...

    def write(self, served: ServedClassifier, image_size: int) -> bytes:
        """The content of the file; ``served`` is left as it was.

        Raises:
            ExportError: the format cannot express the model, or may not travel.
        """
        ...

    def load(self, file: bytes) -> Run:
        """What ``file`` computes, on the CPU."""
        ...


def prove(exporter: Exporter, served: ServedClassifier, image_size: int) -> bytes:
    """The file of ``served``, after it was loaded again and compared.

    Args:
        exporter: the format.
        served: images (B, S, S, 3) uint8 in, probabilities first among its answers.
        image_size: S, in pixels.

    Raises:
        ExportError: there is no such file, or it does not answer as eager does.
    """
    file = exporter.write(served, image_size)
    compare(exporter.load(file), served, image_size)
    return file


def compare(run: Run, served: ServedClassifier, image_size: int) -> float:
    """The largest difference of a probability between ``run`` and eager, over all batches tried.

    Raises:
        ExportError: shape, type or best class differ, a value is not finite, or the difference
            is above TOLERANCE.
    """
    eager = copy.deepcopy(served).eval()
    return max(_difference(run, eager, probe(batch, image_size)) for batch in BATCHES)


def probe(batch: int, image_size: int) -> Tensor:
    """Images (B, S, S, 3) uint8 to compare on, the same at every call; the eighth is black."""
    generator = torch.Generator().manual_seed(batch)
    shape = (batch, image_size, image_size, 3)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    images[7:] = 0
    return images


def _difference(run: Run, eager: ServedClassifier, images: Tensor) -> float:
    with torch.inference_mode():
        got, wanted = run(images), eager(images)
    batch = len(images)
    for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
        if one.shape != other.shape or one.dtype != other.dtype:
            raise ExportError(
                f"batch {batch}, output {number}: the file answers {one.dtype} "
                f"{tuple(one.shape)}, eager {other.dtype} {tuple(other.shape)}"
            )
    difference = _furthest(got[0], wanted[0])
    if not difference <= TOLERANCE:  # written so that NaN is refused
        raise ExportError(
            f"batch {batch}: the file differs from eager by {difference:.2g}; "
            f"at most {TOLERANCE:.0e} is accepted"
        )
    if not torch.equal(got[0].argmax(dim=1), wanted[0].argmax(dim=1)):
        raise ExportError(f"batch {batch}: the file and eager disagree on the best class")
    _compare_maps(got, wanted)
    return difference


def _compare_maps(got: Answers, wanted: Answers) -> None:
    """Hold class maps against each other where both must have ranked the classes alike."""
    for maps, expected in zip(got[1:], wanted[1:], strict=True):
        best = wanted[0].topk(min(maps.shape[1] + 1, wanted[0].shape[1]), dim=1).values
        clear = (best[:, :-1] - best[:, 1:]).amin(dim=1) > 2 * TOLERANCE
        difference = _furthest(maps[clear], expected[clear])
        if not difference <= MAP_TOLERANCE * max(1.0, expected.abs().max().item()):
            raise ExportError(f"the file's class maps differ from eager's by {difference:.2g}")


def _furthest(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item() if one.numel() else 0.0
