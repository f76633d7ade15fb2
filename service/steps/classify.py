"""Outputs and Recipe to Labels, best first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.recipe import Recipe, Role
from service.output import floats
from service.values import Label, Outputs


def classify(outputs: Outputs, recipe: Recipe, top_k: int | None = None) -> tuple[Label, ...]:
    """The ``top_k`` best classes, all by default; equal scores in the order of their ids.

    Raises:
        UnexpectedOutput: not one finite float for each label.
    """
    row = _probabilities(outputs, recipe)
    best = np.argsort(-row, kind="stable")[:top_k]
    return tuple(Label(recipe.labels[i], int(i), float(row[i])) for i in best)


def _probabilities(outputs: Outputs, recipe: Recipe) -> NDArray[np.floating[Any]]:
    shape = (len(recipe.labels),)
    if recipe.has(Role.PROBABILITIES):
        return floats(outputs, recipe.output(Role.PROBABILITIES), shape)
    logits = floats(outputs, recipe.output(Role.LOGITS), shape).astype(np.float64)
    shares = np.exp(logits - logits.max())  # softmax, without overflow
    probabilities: NDArray[np.float64] = shares / shares.sum()
    return probabilities
