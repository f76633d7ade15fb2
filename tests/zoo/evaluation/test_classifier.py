"""Accuracy, its interval and the confusion matrix, against counts by hand and published values."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from zoo.evaluation.classifier import confusion, evaluate, wilson


class Brightest(nn.Module):
    """Answers with the strongest channel: red is class 0, green 1, blue 2."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3)) * self.scale


def colours(*channels: int) -> Tensor:
    """One 4×4 image a channel, bright in that channel alone."""
    images = torch.zeros(len(channels), 4, 4, 3, dtype=torch.uint8)
    for image, channel in zip(images, channels, strict=True):
        image[..., channel] = 255
    return images


def test_accuracy_counts_right_answers_overall_and_by_class() -> None:
    dataset = TensorDataset(colours(0, 0, 1, 2, 2), torch.tensor([0, 1, 1, 1, 2]))
    scores = evaluate(Brightest(), dataset)
    assert (scores.samples, scores.accuracy.value) == (5, 3 / 5)
    assert [figure.value for figure in scores.per_class] == [1.0, 1 / 3, 1.0]


def test_evaluation_does_not_depend_on_training_mode() -> None:
    model = nn.Sequential(nn.Dropout(0.9), Brightest()).train()
    dataset = TensorDataset(colours(*[0, 1, 2] * 20), torch.tensor([0, 1, 2] * 20))
    assert evaluate(model, dataset).accuracy.value == 1.0


@pytest.mark.parametrize(  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilson_gives_the_published_intervals(
    successes: int, trials: int, low: float, high: float
) -> None:
    figure = wilson(successes, trials)
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_value_inside_zero_and_one(counts: tuple[int, int]) -> None:
    figure = wilson(*counts)
    assert 0.0 <= figure.low <= figure.value <= figure.high <= 1.0
    assert figure.low < figure.high


def test_without_trials_nothing_is_known() -> None:
    figure = wilson(0, 0)
    assert (figure.low, figure.high) == (0.0, 1.0)


def test_rows_of_the_confusion_matrix_are_what_was_shown() -> None:
    # Shown 0 0 0 1 1 2: class 2 is never answered, class 3 never shown.
    truth = torch.tensor([0, 0, 0, 1, 1, 2])
    answers = nn.functional.one_hot(torch.tensor([0, 0, 1, 1, 1, 0]), 4)
    assert confusion(answers, truth).tolist() == [
        [2, 1, 0, 0],
        [0, 2, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
    ]
