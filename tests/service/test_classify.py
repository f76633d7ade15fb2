"""Probabilities are taken as they are; of logits the softmax is taken here."""

import numpy as np
import pytest

from contract.recipe import OutputSpec, Role
from service.errors import UnexpectedOutput
from service.steps.classify import classify
from service.values import Outputs
from tests.fakes import LABELS, recipe

LOGITS = recipe(outputs=(OutputSpec(name="y", role=Role.LOGITS),))


def scores(*logits: float) -> dict[int, float]:
    row = np.array([logits], np.float32)
    return {label.class_id: label.score for label in classify(Outputs({"y": row}, "1"), LOGITS)}


def test_logits_become_probabilities() -> None:
    logits = (0.5, -1.0, 2.0, 0.0, 3.0, -2.0)
    wanted = np.exp(logits) / np.exp(logits).sum()
    given = scores(*logits)
    assert [given[i] for i in range(len(LABELS))] == pytest.approx(wanted, abs=1e-12)
    assert next(iter(given)) == 4


def test_large_logits_do_not_overflow() -> None:
    given = scores(1e30, 0, 0, 0, 0, -1e30)
    assert given[0] == 1
    assert sum(given.values()) == 1


def test_logits_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(UnexpectedOutput):
        scores(0, 0, 0, 0, 0, float("nan"))
