"""Other people's state_dicts: taken out of their wrapping, then loaded whole or refused."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

State = Mapping[str, Tensor]
COUNTER = "num_batches_tracked"  # of batch norms; checkpoints older than PyTorch 0.4.1 lack it
NAMED_AT_MOST = 12  # entries of each kind that one error lists


class CheckpointError(ValueError):
    """A checkpoint that cannot be used; the message names its entries as the checkpoint does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of every entry of a checkpoint and of a network."""

    loaded: tuple[str, ...]  # by the checkpoint's names
    fresh: tuple[str, ...]  # by the network's names: left at their initialisation
    left_over: tuple[str, ...]  # by the checkpoint's names: the network has no place for them

    def __str__(self) -> str:
        return (
            f"{len(self.loaded)} entries loaded, "
            f"{_counted('newly initialised', self.fresh)}, {_counted('left over', self.left_over)}"
        )


def unwrap(document: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state_dict inside a checkpoint, without the ``module.`` of data-parallel training.

    Raises:
        CheckpointError: an entry is no tensor, or two have one name.
    """
    wrapped = document.get("state_dict", document)
    if not isinstance(wrapped, Mapping):
        raise CheckpointError(f"state_dict is a {type(wrapped).__name__}; it must map names")
    alien = [key for key, value in wrapped.items() if not isinstance(value, Tensor)]
    if alien:
        raise CheckpointError(f"no tensors: {_listed(map(str, alien))}; pass the state_dict itself")
    state = {str(key).removeprefix("module."): value for key, value in wrapped.items()}
    if len(state) < len(wrapped):
        raise CheckpointError("some names occur with and without `module.`; keep one of each")
    return state


def load(
    network: nn.Module, state: State, names: Mapping[str, str], *, spare: Collection[str] = ()
) -> Report:
    """Give ``network`` the entries of ``state``, in their own precision.

    Args:
        network: changed in place: its floating entries take the checkpoint's dtype.
        state: the checkpoint, unwrapped.
        names: for each entry of the network to load, its name in the checkpoint.
        spare: names that the checkpoint may hold though the network has no place for them.

    Raises:
        CheckpointError: entries are missing (batch counters excepted), unexpected or of another
            shape; all are named, and the network keeps its weights.
    """
    ours = network.state_dict()
    found = {key: state[name] for key, name in names.items() if name in state}
    missing = [name for name in names.values() if name not in state and not name.endswith(COUNTER)]
    wanted = set(names.values())
    left_over = [name for name in state if name not in wanted]
    misshapen = [
        f"{names[key]} {tuple(value.shape)} instead of {tuple(ours[key].shape)}"
        for key, value in found.items()
        if value.shape != ours[key].shape
    ]
    unexpected = [name for name in left_over if name not in spare]
    _refuse({"missing": missing, "unexpected": unexpected, "of another shape": misshapen})
    network.to(_dtype(found.values())).load_state_dict(found, strict=False)
    return Report(
        loaded=tuple(names[key] for key in found),
        fresh=tuple(key for key in ours if key not in found),
        left_over=tuple(left_over),
    )


def _refuse(faults: Mapping[str, list[str]]) -> None:
    told = [f"{kind}: {_listed(names)}" for kind, names in faults.items() if names]
    if told:
        raise CheckpointError(f"the checkpoint does not fit; {'; '.join(told)}")


def _dtype(values: Iterable[Tensor]) -> torch.dtype:
    """The widest floating type among the entries."""
    return reduce(torch.promote_types, {v.dtype for v in values if v.is_floating_point()})


def _counted(kind: str, names: tuple[str, ...]) -> str:
    return f"{len(names)} {kind}" + (f" ({_listed(names)})" if names else "")


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - NAMED_AT_MOST
    return ", ".join(every[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
