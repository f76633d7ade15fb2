"""How good a classifier is on labelled images: accuracy with its interval, and by class."""

from dataclasses import dataclass
from math import sqrt

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from contract.recipe import Figure
from zoo.normalise import Normalise

Z_95 = 1.959963984540054  # two-sided 95 % quantile of the normal distribution
BATCH = 128  # images; has no influence on the figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Accuracy over all samples and within each class, in the order of the class ids."""

    samples: int
    accuracy: Figure
    per_class: tuple[Figure, ...]


def logits(model: nn.Module, images: Tensor) -> Tensor:
    """Answers (N, classes) of ``model`` in evaluation mode to images (N, H, W, 3) uint8.

    Runs where the model's parameters are; the answers come back on the CPU.
    """
    device = next(model.parameters()).device
    network = nn.Sequential(Normalise().to(device), model).eval()
    with torch.inference_mode():
        answers = [network(part.to(device)).cpu() for part in torch.split(images, BATCH)]
    return torch.cat(answers)


def evaluate(model: nn.Module, dataset: TensorDataset) -> Evaluation:
    """Score ``model`` on images (N, H, W, 3) uint8 and labels (N,) int64."""
    images, labels = dataset.tensors
    return judge(logits(model, images), labels)


def judge(answers: Tensor, labels: Tensor) -> Evaluation:
    """Score ``answers`` (N, classes), logits or probabilities, against labels (N,) int64."""
    right = answers.argmax(dim=1) == labels
    classes = answers.shape[1]
    totals = torch.bincount(labels, minlength=classes).tolist()
    hits = torch.bincount(labels[right], minlength=classes).tolist()
    return Evaluation(
        samples=len(labels),
        accuracy=wilson(sum(hits), len(labels)),
        per_class=tuple(wilson(hit, total) for hit, total in zip(hits, totals, strict=True)),
    )


def confusion(answers: Tensor, labels: Tensor) -> Tensor:
    """How many images of each class (row) were answered as each class (column), int64."""
    classes = answers.shape[1]
    pairs = labels * classes + answers.argmax(dim=1)
    return torch.bincount(pairs, minlength=classes**2).view(classes, classes)


def wilson(successes: int, trials: int) -> Figure:
    """A proportion with its 95 % score interval (Wilson, JASA 1927).

    Without trials nothing is known: the interval is 0..1 and its middle stands for the value.
    """
    if trials == 0:
        return Figure(value=0.5, low=0.0, high=1.0)
    share = successes / trials
    spread = Z_95**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    low = max(0.0, min(share, centre - half))  # rounding may step over the ends
    high = min(1.0, max(share, centre + half))
    return Figure(value=share, low=low, high=high)
