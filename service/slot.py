"""The answers to a batch: each image has a place of its own, with a result or a failure."""

from dataclasses import dataclass

from service.errors import GatewayError
from service.trace import Trace
from service.values import Result


@dataclass(frozen=True, slots=True)
class Slot:
    """What came of one image."""

    name: str  # of its file, if the caller gave one
    outcome: Result | GatewayError
    trace: Trace  # of this image alone


@dataclass(frozen=True, slots=True)
class Batch:
    """In the order of the images."""

    slots: tuple[Slot, ...]
