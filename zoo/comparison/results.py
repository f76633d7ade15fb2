"""The results of a comparison of networks, as they are kept in JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.comparison.latency import Latency
from zoo.comparison.paired import Answers

SCHEMA = 1
LARGE = 4_000_000  # parameters; the layers of larger networks are stored as int8


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One network trained from one seed, and which test images it then got right.

    ``right`` is hexadecimal, one bit an image, the first image in the highest bit.
    """

    network: str
    seed: int
    best_epoch: int
    images: int  # of the test
    right: str
    ece: float

    def answers(self) -> Answers:
        """Whether each test image was answered right: (images,)."""
        return unpacked(self.right, self.images)

    @property
    def accuracy(self) -> float:
        """The share of the test images that was answered right."""
        return float(self.answers().mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """What a network costs: parameters, and multiply-accumulates of one image."""

    network: str
    attention: str
    parameters: int
    layer_macs: int
    matmul_macs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything the page is made of."""

    reference: str  # the network that the others are compared with
    settings: dict[str, Any]  # of data and schedule, in words that a person understands
    trained_with: str  # machine and versions
    timed_on: str  # likewise
    contestants: tuple[Contestant, ...]
    trials: tuple[Trial, ...]
    latencies: tuple[Latency, ...]

    def answers(self, network: str) -> Answers:
        """Of ``network``, seed by seed in rising order: (seeds, images)."""
        trials = sorted((t for t in self.trials if t.network == network), key=lambda t: t.seed)
        return np.stack([trial.answers() for trial in trials])

    def seeds(self, network: str) -> list[int]:
        """The seeds that ``network`` was trained from."""
        return sorted(trial.seed for trial in self.trials if trial.network == network)

    def latency(self, network: str, batch: int) -> Latency:
        """KeyError if it was not measured."""
        for one in self.latencies:
            if (one.network, one.batch) == (network, batch):
                return one
        raise KeyError((network, batch))


def packed(right: Sequence[bool]) -> str:
    """Bits as hexadecimal digits."""
    return np.packbits(np.asarray(right, dtype=np.bool_)).tobytes().hex()


def unpacked(digits: str, images: int) -> Answers:
    """The bits that ``packed`` wrote: (images,)."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8), count=images).astype(bool)


def to_json(comparison: Comparison) -> str:
    """Everything, for machines."""
    return json.dumps({"schema": SCHEMA} | asdict(comparison), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Comparison:
    """The comparison that ``to_json`` wrote.

    Raises:
        ValueError, TypeError, KeyError: the text is no such comparison.
    """
    fields: dict[str, Any] = json.loads(text)
    schema = fields.pop("schema")
    if schema != SCHEMA:
        raise ValueError(f"schema is {schema}; this release reads {SCHEMA}")
    fields |= {
        "contestants": tuple(Contestant(**one) for one in fields["contestants"]),
        "trials": tuple(Trial(**one) for one in fields["trials"]),
        "latencies": tuple(Latency(**one) for one in fields["latencies"]),
    }
    return Comparison(**fields)
