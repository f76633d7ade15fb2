"""Outputs and Recipe to Labels, best first."""

import numpy as np

from contract.recipe import Recipe, Role
from service.output import floats
from service.values import Label, Outputs


def classify(outputs: Outputs, recipe: Recipe, top_k: int | None = None) -> tuple[Label, ...]:
    """The ``top_k`` best classes, all by default; equal scores in the order of their ids.

    Raises:
        UnexpectedOutput: not one finite float for each label.
    """
    name = recipe.output(Role.PROBABILITIES)
    row = floats(outputs, name, (len(recipe.labels),))
    best = np.argsort(-row, kind="stable")[:top_k]
    return tuple(Label(recipe.labels[i], int(i), float(row[i])) for i in best)
