"""One interface for every file format."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from zoo.export.probes import Size
from zoo.export.wrap import Served

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

    def write(self, served: Served, image_size: Size) -> bytes:
        """The content of the file; ``served`` is left as it was.

        Raises:
            ExportError: the format cannot express the model, or may not travel.
        """
        ...

    def load(self, file: bytes) -> Run:
        """What ``file`` computes, on the CPU."""
        ...
