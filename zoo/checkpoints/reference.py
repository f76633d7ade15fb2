"""One attention layer from a reference implementation's words and weights."""

import inspect
from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from zoo.checkpoints.mechanisms import REFERENCES
from zoo.checkpoints.state import State, load


def reference_module(
    module: str, variant: str, hyper: Mapping[str, object], state: State
) -> nn.Module:
    """The layer that answers as the reference does, in eval mode and in the state's precision.

    Args:
        module: the mechanism, such as ``cbam``.
        variant: whose implementation: ``official``, ``seed`` (the article's) or a named one.
        hyper: the reference constructor's arguments; what is left out takes its default there.
        state: the reference's state_dict, under its own keys. ``num_batches_tracked`` may be
            missing.

    Raises:
        UnknownNameError: there is no such module and variant.
        CheckpointError: the state's keys and shapes are not those of the reference.
        ValueError: a hyper-parameter is unknown, missing or impossible.
    """
    name = f"{module} {variant}"
    reference = REFERENCES[name]
    _check_words(name, hyper, inspect.signature(reference.build).parameters)
    layer = reference.build(**hyper).eval()
    names = {key: _published(key, reference.names) for key in layer.state_dict()}
    if names or state:  # a layer without parameters has nothing to load
        load(layer, _reshaped(reference.regroup(state), layer, names), names)
    return layer


def _check_words(name: str, hyper: Iterable[str], words: Mapping[str, inspect.Parameter]) -> None:
    required = {word for word, known in words.items() if known.default is known.empty}
    for fault, found in (
        ("has no", sorted(set(hyper) - set(words))),
        ("needs", sorted(required - set(hyper))),
    ):
        if found:
            raise ValueError(
                f"{name} {fault} hyper-parameter {', '.join(found)}; it knows {', '.join(words)}"
            )


def _published(key: str, names: Mapping[str, str]) -> str:
    """The reference's name for our ``key``."""
    path = f".{key}"
    for ours, theirs in names.items():
        path = path.replace(f".{ours}.", f".{theirs}.")
    return path[1:]


def _reshaped(state: State, layer: nn.Module, names: Mapping[str, str]) -> dict[str, Tensor]:
    """``state`` with linear weights in place of 1×1 convolutions, or the reverse, as in ours."""
    reshaped = dict(state)
    for key, ours in layer.state_dict().items():
        theirs = state.get(names[key])
        if theirs is not None and _without_pixel(theirs) == _without_pixel(ours):
            reshaped[names[key]] = theirs.reshape(ours.shape)
    return reshaped


def _without_pixel(weight: Tensor) -> tuple[int, ...]:
    """The shape, less the trailing 1×1 of a convolution of one pixel."""
    shape = tuple(weight.shape)
    return shape[:2] if shape[2:] == (1, 1) else shape
