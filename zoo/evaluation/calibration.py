"""Whether a classifier is right as often as it says: the expected calibration error (ECE).

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 15  # of equal width, as in the paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The answers whose confidence lies in (``low``, ``high``]; the means of none are None."""

    low: float
    high: float
    samples: int
    confidence: float | None  # mean probability of the class that was answered
    accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """``ece`` is the mean of |accuracy - confidence| over the bins, weighted by their samples."""

    ece: float
    bins: tuple[Bin, ...]


def calibration(probabilities: Tensor, labels: Tensor, bins: int = BINS) -> Calibration:
    """Of ``probabilities`` (N, classes), against ``labels`` (N,) int64.

    Raises:
        ValueError: there are no samples.
    """
    if not len(labels):
        raise ValueError("there are no samples to measure the calibration on")
    confidence, answered = probabilities.double().max(dim=1)
    right = (answered == labels).double()
    # (low, high]: a confidence of exactly k / bins belongs to the bin below
    place = (confidence * bins).ceil().long().clamp(1, bins) - 1
    counts = torch.bincount(place, minlength=bins)
    confidences = torch.bincount(place, confidence, minlength=bins)
    hits = torch.bincount(place, right, minlength=bins)
    rows = zip(counts.tolist(), confidences.tolist(), hits.tolist(), strict=True)
    return Calibration(
        ece=(hits - confidences).abs().sum().item() / len(labels),
        bins=tuple(_bin(number, bins, *row) for number, row in enumerate(rows)),
    )


def _bin(number: int, bins: int, samples: int, confidences: float, hits: float) -> Bin:
    return Bin(
        low=number / bins,
        high=(number + 1) / bins,
        samples=samples,
        confidence=confidences / samples if samples else None,
        accuracy=hits / samples if samples else None,
    )
