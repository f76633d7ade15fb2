"""What a comparison comes to for each network, and which differences are more than noise."""

from dataclasses import dataclass
from enum import StrEnum

from contract.recipe import Figure
from zoo.comparison.paired import difference, holm, mean_accuracy, p_value
from zoo.comparison.results import Comparison
from zoo.evaluation.classifier import wilson

SIGNIFICANCE = 0.05
LOST = 0.5  # of the reference's accuracy: what reaches less has not learnt the task


class Verdict(StrEnum):
    """How a network did against the reference."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within noise"
    LOST = "did not learn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Of one network; the last three are None for the reference itself.

    The intervals hold the chance in the choice of test images; the lowest and the highest seed
    show that in the training.
    """

    network: str
    accuracy: Figure  # mean over the seeds
    lowest: float
    highest: float
    difference: Figure | None  # from the reference, on the same images
    p: float | None  # adjusted for the number of networks compared
    verdict: Verdict | None


def standings(comparison: Comparison) -> list[Standing]:
    """Of every network, the most accurate first."""
    reference = comparison.answers(comparison.reference)
    others = [c.network for c in comparison.contestants if c.network != comparison.reference]
    chances = holm([p_value(comparison.answers(name), reference) for name in others])
    found = [_standing(comparison, comparison.reference, None)]
    found += [_standing(comparison, name, p) for name, p in zip(others, chances, strict=True)]
    return sorted(found, key=lambda one: -one.accuracy.value)


def _standing(comparison: Comparison, name: str, p: float | None) -> Standing:
    answers, reference = comparison.answers(name), comparison.answers(comparison.reference)
    each = answers.mean(axis=1).tolist()
    one_seed = len(each) == 1
    return Standing(
        network=name,
        accuracy=wilson(int(answers.sum()), answers.size) if one_seed else mean_accuracy(answers),
        lowest=min(each),
        highest=max(each),
        difference=None if p is None else difference(answers, reference),
        p=p,
        verdict=None if p is None else _verdict(each, reference.mean(axis=1).tolist(), p),
    )


def _verdict(ours: list[float], others: list[float], p: float) -> Verdict:
    """More than noise: improbable by the choice of images, and every seed on the same side."""
    if max(ours) < LOST * min(others):
        return Verdict.LOST
    if p >= SIGNIFICANCE:
        return Verdict.NOISE
    if min(ours) > max(others):
        return Verdict.BETTER
    return Verdict.WORSE if max(ours) < min(others) else Verdict.NOISE
