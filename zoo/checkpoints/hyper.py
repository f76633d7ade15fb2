"""Hyper-parameters that a checkpoint records nowhere but in its shapes."""

from collections.abc import Callable
from statistics import mode
from typing import Any

from zoo.checkpoints.naming import Rules, renamed
from zoo.checkpoints.state import State

Hyper = Callable[[State], dict[str, Any]]
"""Reads the arguments of the mechanism from a checkpoint; what it cannot tell is left out."""


def fixed(**values: Any) -> Hyper:
    """Arguments that not even the shapes tell, or none."""
    return lambda _: dict(values)


def reduction(suffix: str, **others: Any) -> Hyper:
    """How many times narrower the layers called ``…suffix`` are than their input; and others."""

    def read(state: State) -> dict[str, Any]:
        shapes = [value.shape for key, value in state.items() if key.endswith(suffix)]
        # The most frequent answer: a misshapen entry is then named as such.
        return others | ({"reduction": mode(s[1] // s[0] for s in shapes)} if shapes else {})

    return read


def kernel_size(kernels: Rules) -> Hyper:
    """ECA's kernel size by channel count; ``kernels`` leads from a norm to the kernel after it."""

    def read(state: State) -> dict[str, Any]:
        kernel_of = {norm: renamed(norm, kernels) for norm in state}
        pairs = [(norm, kernel) for norm, kernel in kernel_of.items() if norm != kernel]
        found = {state[n].numel(): state[k].shape[-1] for n, k in pairs if k in state}
        absent = {state[norm].numel(): 1 for norm, _ in pairs}  # to be named as missing
        return {"kernel_size": absent | found}

    return read
