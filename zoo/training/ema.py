"""The running mean of a network's weights, which is often better than where training ends.

Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control
Optim. 30, 1992; the exponential form with a warm-up of its decay is that of TensorFlow's
``ExponentialMovingAverage``.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of the parameters of ``model``.

    Buffers are not averaged: beside averaged weights the model uses its own, such as the
    statistics of its batch norms.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.parameters = dict(model.named_parameters())
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in self.parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights in after ``step`` (from 1); early means would remember fresh weights."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in self.values.items():
            value.lerp_(self.parameters[name], 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the averaged weights inside, and its own again afterwards."""
        own = {name: value.detach().clone() for name, value in self.parameters.items()}
        self._give(self.values)
        try:
            yield
        finally:
            self._give(own)

    @torch.no_grad()
    def _give(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self.parameters.items():
            parameter.copy_(values[name])
