"""What somebody who counts is told of shadows; names are the routing file's, the rest closed."""

from enum import StrEnum
from typing import Protocol

from service.shadow.agreement import Agreement


class Cause(StrEnum):
    """Why a candidate was not shown an image."""

    FULL = "full"  # as many images wait as may
    BUSY = "busy"  # the gateway was not idle in time, or the candidate's model had no place
    BUDGET = "budget"  # candidates have had their share of the time
    LATE = "late"  # others took so long that its turn came too late


class Watcher(Protocol):
    """Told of candidates as they are tried; must return at once and never raise."""

    def compared(self, shadow: str, agreement: Agreement) -> None:
        """The candidate of ``shadow`` answered an image."""
        ...

    def dropped(self, shadow: str, cause: Cause) -> None:
        """It was not shown one."""
        ...

    def failed(self, shadow: str, problem: str) -> None:
        """It could not answer one: ``problem`` is the error's code."""
        ...

    def verdict(self, shadow: str, kind: str) -> None:
        """The verdict is now ``kind``: a value of `service.shadow.verdict.Kind`."""
        ...


class Unwatched:
    """Nobody counts."""

    def compared(self, shadow: str, agreement: Agreement) -> None:
        """Ignore it."""

    def dropped(self, shadow: str, cause: Cause) -> None:
        """Ignore it."""

    def failed(self, shadow: str, problem: str) -> None:
        """Ignore it."""

    def verdict(self, shadow: str, kind: str) -> None:
        """Ignore it."""
