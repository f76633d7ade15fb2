"""TorchScript without its deprecation: it is the format that Triton serves."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def scripted(part: Any) -> Any:
    """``part``, a function or a module, compiled."""
    with _quietly():
        return torch.jit.script(part)


def reloaded(script: Any) -> Any:
    """``script``, saved and loaded again."""
    file = io.BytesIO()
    with _quietly():
        torch.jit.save(script, file)
        file.seek(0)
        return torch.jit.load(file)


@contextmanager
def _quietly() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        yield
