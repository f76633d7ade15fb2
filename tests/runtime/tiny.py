"""Tiny TorchScript models for tests, and the repositories they are served from."""

import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Add(nn.Module):
    """x + 1, the rows of the whole call, and a third result nobody asks for."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return x + 1, torch.full((len(x), 1), len(x)), x


class Pair(NamedTuple):
    difference: Tensor
    total: Tensor


class Subtract(nn.Module):
    """Not symmetric, so that swapped arguments show."""

    def forward(self, left: Tensor, right: Tensor) -> Pair:
        return Pair(left - right, left + right)


class SubtractNamed(nn.Module):
    """The same, from one dict."""

    def forward(self, sides: dict[str, Tensor]) -> Tensor:
        return sides["left"] - sides["right"]


class Echo(nn.Module):
    """Every datatype there and back, and a middle axis of one."""

    def forward(  # noqa: PLR0917  one argument per datatype
        self, a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor,
        f: Tensor, g: Tensor, h: Tensor, i: Tensor,
    ):  # fmt: skip
        return a, b, c, d, e, f, g, h, i, i.unsqueeze(1), i.flip(1).t().contiguous().t()


class Moody(nn.Module):
    """Misbehaves as the first value says, and is x otherwise."""

    def forward(self, x: Tensor) -> Tensor:
        mood = int(x[0, 0])
        if mood == 1:
            raise ValueError("no way in /home/someone/secret.py")
        if mood == 2:
            return x[:-1]
        if mood == 3:
            return torch.cat([x, x])
        if mood == 4:
            return x.double()
        if mood == 5:
            return x.sum()
        if mood == 6:
            return x.view(-1, 7)
        return x


class MaybeMasked(nn.Module):
    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return x if mask is None else x * mask


class Scaled(nn.Module):
    def forward(self, x: Tensor, scale: float = 2.0) -> Tensor:
        return x * scale


def script(module: nn.Module) -> torch.jit.ScriptModule:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        return torch.jit.script(module.eval())


def tensors(kind: str, **types: str) -> str:
    """Lines of config.pbtxt: `name="FP32"` is a tensor of three values, `"FP32 1, 3"` of 1×3."""
    return "".join(
        f'{kind} {{ name: "{name}" data_type: TYPE_{data_type} dims: [{dims or 3}] }}\n'
        for name, (data_type, _, dims) in ((n, t.partition(" ")) for n, t in types.items())
    )


def add_model(
    repository: Path, name: str, module: nn.Module, config: str, file_name: str = "model.pt"
) -> None:
    """Write one model; ``config`` lacks only the backend's name."""
    folder = repository / name / "1"
    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is deprecated", DeprecationWarning)
        script(module).save(str(folder / file_name))
    (repository / name / "config.pbtxt").write_text(f'backend: "pytorch"\n{config}')


def add_adder(repository: Path, name: str = "add") -> None:
    """The model most tests need: batches of up to eight rows of three values."""
    outputs = tensors("output", OUTPUT__1="INT64 1", OUTPUT__0="FP32")
    batching = "max_batch_size: 8\ndynamic_batching { max_queue_delay_microseconds: 300000 }\n"
    add_model(repository, name, Add(), batching + tensors("input", INPUT__0="FP32") + outputs)
