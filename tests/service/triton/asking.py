"""How tests ask a backend, and what they remember of it."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from service.triton import TritonBackend
from service.values import Deadline, Outputs

TENSOR = np.arange(1, 13, dtype=np.uint8).reshape(1, 2, 2, 3)


async def infer(
    backend: TritonBackend, seconds: float = 10, version: str = "", model: str = "signs"
) -> Outputs:
    inputs = {"INPUT__0": TENSOR}
    return await backend.infer(model, version, inputs, ["OUTPUT__0"], Deadline.after(seconds))


@dataclass
class Clock:
    """Time that passes when a test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Notebook:
    """A Watcher that remembers."""

    retries: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    canaries: list[str] = field(default_factory=list)  # results, in their order
    health: dict[str, str] = field(default_factory=dict)  # by endpoint
    breakers: list[str] = field(default_factory=list)  # states, in their order

    def retried(self, fault: str) -> None:
        self.retries[fault] += 1

    def retry_refused(self, fault: str) -> None:
        self.refusals[fault] += 1

    def tried_out(self, endpoint: str, model: str, result: str) -> None:  # noqa: ARG002
        self.canaries.append(result)

    def endpoint_changed(self, endpoint: str, health: str) -> None:
        self.health[endpoint] = health

    def breaker_changed(self, endpoint: str, model: str, state: str) -> None:  # noqa: ARG002
        self.breakers.append(state)
