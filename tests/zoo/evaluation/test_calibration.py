"""The expected calibration error, against sums made by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoo.evaluation.calibration import BINS, calibration


def test_ece_of_five_answers_summed_by_hand() -> None:
    # Confidences 0.62, 0.64 (bin 10: 0.600..0.667), 0.95, 0.97, 0.99 (bin 15: 0.933..1.000).
    probabilities = torch.tensor(
        [[0.62, 0.38], [0.36, 0.64], [0.95, 0.05], [0.03, 0.97], [0.99, 0.01]]
    )
    labels = torch.tensor([0, 0, 0, 1, 1])  # right, wrong, right, right, wrong
    found = calibration(probabilities, labels)
    # 2/5 · |1/2 - 0.63| + 3/5 · |2/3 - 0.97| = 0.052 + 0.182
    assert found.ece == pytest.approx(0.234, abs=1e-7)
    assert [one.samples for one in found.bins] == [0] * 9 + [2] + [0] * 4 + [3]
    tenth = found.bins[9]
    assert (tenth.low, tenth.high) == (9 / 15, 10 / 15)
    assert (tenth.confidence, tenth.accuracy) == (pytest.approx(0.63, abs=1e-6), 0.5)
    assert found.bins[0].confidence is None


def test_errors_of_opposite_sign_do_not_cancel_between_bins() -> None:
    probabilities = torch.tensor([[0.6, 0.4], [0.9, 0.1]])
    assert calibration(probabilities, torch.tensor([0, 1])).ece == pytest.approx((0.4 + 0.9) / 2)


def test_certain_and_right_is_calibrated_and_in_the_last_bin() -> None:
    found = calibration(torch.eye(4), torch.arange(4))
    assert found.ece == 0.0
    assert found.bins[-1].samples == 4


def test_an_edge_belongs_to_the_bin_below() -> None:
    found = calibration(torch.tensor([[0.5, 0.5]]), torch.tensor([0]), bins=2)
    assert [one.samples for one in found.bins] == [1, 0]


def test_without_samples_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="no samples"):
        calibration(torch.empty(0, 3), torch.empty(0, dtype=torch.int64))


@given(st.integers(0, 2**31), st.integers(1, 200), st.integers(2, 6))
def test_ece_is_a_share_and_no_sample_is_lost(seed: int, samples: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(samples, classes, generator=generator).softmax(dim=1)
    labels = torch.randint(classes, (samples,), generator=generator)
    found = calibration(probabilities, labels)
    assert 0.0 <= found.ece <= 1.0
    assert len(found.bins) == BINS
    assert sum(one.samples for one in found.bins) == samples
