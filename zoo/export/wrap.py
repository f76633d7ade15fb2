"""What Triton serves around a network: normalisation before it, and after it what a task needs."""

from typing import no_type_check

import torch
from torch import Tensor, nn

from contract.recipe import Task
from zoo.classifiers import Classifier
from zoo.detectors.detector import Detector
from zoo.normalise import Normalise

MOST_MAPS = 3  # class maps in one answer: fixed, because Triton's outputs are


class ServedClassifier(nn.Module):
    """uint8 RGB images (B, H, W, 3) in, probabilities (B, classes) and class maps out, float32.

    The class maps, (B, K, h, w) with K the smaller of 3 and the classes, belong to the K most
    probable classes, best first and of equal ones the lower id first. Each is the linear layer
    applied before the pooling instead of after it (Zhou et al., Learning Deep Features for
    Discriminative Localization, CVPR 2016), bias included: its mean is the class's logit.
    """

    task = Task.CLASSIFICATION
    foldable = "network.features"

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.network = network
        linear = network.classifier[-1]
        assert isinstance(linear, nn.Linear)  # noqa: S101 - what a Classifier ends with
        self.linear = linear
        self.maps = min(MOST_MAPS, linear.out_features)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Each row of the probabilities sums to 1."""
        features: Tensor = self.network.features(self.normalise(images))  # (B, C, h, w)
        logits: Tensor = self.network.classifier(features.mean(dim=(2, 3)))
        probabilities = torch.softmax(logits, dim=1, dtype=torch.float32)
        return probabilities, self._class_maps(features, probabilities)

    def _class_maps(self, features: Tensor, probabilities: Tensor) -> Tensor:
        ranked = torch.sort(probabilities, stable=True, dim=1, descending=True)[1]
        best = ranked[:, : self.maps]  # (B, K)
        weights, biases = self.linear.weight[best], self.linear.bias[best].unsqueeze(2)
        maps = torch.baddbmm(biases, weights, features.flatten(2))  # (B, K, h · w)
        return maps.reshape(-1, self.maps, features.shape[2], features.shape[3])


class ServedDetector(nn.Module):
    """uint8 RGB images (B, H, W, 3) in, what `Detector` answers out: float32 and int64."""

    task = Task.DETECTION
    foldable = "network.backbone"

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.network = network

    @no_type_check  # TorchScript infers how many tensors there are; detectors differ in that
    def forward(self, images: Tensor):  # noqa: ANN201
        """Boxes in pixels of ``images``, scores, classes, count, and masks where there are some."""
        return self.network(self.normalise(images))


Served = ServedClassifier | ServedDetector
"""Each names its ``task``, and in ``foldable`` the submodule that `fold` may rewrite."""


def served(network: Classifier | Detector) -> Served:
    """``network`` as Triton serves it."""
    if isinstance(network, Detector):
        return ServedDetector(network)
    return ServedClassifier(network)
