"""What several models say of one image, and how far they agree."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from contract.recipe import Task
from service.shadow.agreement import Agreement, agreement
from service.slot import Slot
from service.values import Result


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models of one task; the agreement is the second's with the first."""

    names: tuple[str, str]
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Vote:
    """The classifiers that have one label for the best."""

    label: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A slot for each model, in the order of the request; classifiers' results have each class."""

    slots: tuple[Slot, ...]
    width: int  # of the image
    height: int
    frames: int  # of the file; the first one was looked at
    top_k: int | None = None  # classes to tell of each classifier

    def pairs(self) -> tuple[Pair, ...]:
        """Each two of one task that have answered."""
        return tuple(
            Pair((one.name, other.name), agreement(here, there))
            for (one, here), (other, there) in combinations(self._answered(), 2)
            if here.task is there.task
        )

    def votes(self) -> tuple[Vote, ...]:
        """The best label of each classifier that has answered; that of most of them first."""
        names = defaultdict(list)
        for slot, result in self._answered():
            if result.findings.labels:
                names[result.findings.labels[0].name].append(slot.name)
        votes = (Vote(label, tuple(voters)) for label, voters in names.items())
        return tuple(sorted(votes, key=lambda vote: -len(vote.names)))

    def unanimous(self) -> bool | None:
        """Whether all classifiers have the same best label; None where fewer than two answered."""
        classifiers = [
            slot for slot, result in self._answered() if result.task is Task.CLASSIFICATION
        ]
        return len(self.votes()) == 1 if len(classifiers) > 1 else None

    def told(self, result: Result) -> Result:
        """As much of ``result`` as was asked for."""
        if result.findings.labels is None:
            return result
        return replace(
            result,
            findings=replace(result.findings, labels=result.findings.labels[: self.top_k]),
        )

    def _answered(self) -> Iterator[tuple[Slot, Result]]:
        for slot in self.slots:
            if isinstance(slot.outcome, Result):
                yield slot, slot.outcome
