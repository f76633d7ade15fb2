"""Outputs and Recipe to Labels, best first."""

import numpy as np

from contract.recipe import Recipe, Role
from service.errors import UnexpectedOutput
from service.values import Label, Outputs


def classify(outputs: Outputs, recipe: Recipe, top_k: int | None = None) -> tuple[Label, ...]:
    """The ``top_k`` best classes, all by default; equal scores in the order of their ids.

    Raises:
        UnexpectedOutput: not one finite float for each label.
    """
    name = recipe.output(Role.PROBABILITIES)
    scores = outputs.arrays.get(name)
    expected = (1, len(recipe.labels))
    if scores is None or scores.shape != expected:
        shape = None if scores is None else scores.shape
        raise UnexpectedOutput(f"output {name!r} has the shape {shape}, not {expected}")
    if scores.dtype.kind != "f" or not np.isfinite(scores).all():
        raise UnexpectedOutput(f"output {name!r} does not hold finite floats")
    row = scores[0]
    best = np.argsort(-row, kind="stable")[:top_k]
    return tuple(Label(recipe.labels[i], int(i), float(row[i])) for i in best)
