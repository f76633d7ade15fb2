"""A classifier's card: it comes back as it went, and tells its readers what matters to each."""

import torch

from tests.zoo.cards.tiny import HALF, card_of
from zoo.cards.classifier import from_json, to_json, to_markdown

STATE = {"weight": torch.zeros(3, 4)}


def test_a_card_survives_json() -> None:
    card = card_of(STATE)
    assert from_json(to_json(card)) == card


def test_the_gateway_gets_the_figures_that_matter() -> None:
    summary = card_of(STATE).summary()
    assert summary.metrics == {"test_accuracy": HALF}
    assert summary.data == "two colours, seed 5: 40 train, 20 validation, 10 test images"
    assert summary.epochs == 3


def test_the_card_for_people_names_results_and_limits() -> None:
    text = to_markdown(card_of(STATE))
    assert "**50.0% (25.0%–75.0%)** over 10 images" in text
    assert "| 1 | `dog` | 50.0% (25.0%–75.0%) |" in text
    assert "Not for driving" in text
