"""Stops asking a model that fails at every request, and finds out when it works again."""

import time
from collections.abc import Callable
from enum import StrEnum

IN_A_ROW = 5  # failures that make a model suspect,
SHARE = 0.5  # or this share of failures,
WINDOW_SECONDS = 10.0  # over this time,
FEWEST = 20  # among no fewer answers
PATIENCE_SECONDS = 5.0  # for a verdict; then the next answer gives it
PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)  # before each trial in a row


class State(StrEnum):
    """Whether a model is asked; a closed set, because it may be a metric's value."""

    CLOSED = "closed"  # asked
    SUSPECT = "suspect"  # asked still: is the model broken, or do bad inputs come in a row?
    OPEN = "open"  # not asked
    HALF_OPEN = "half_open"  # one call is under way that decides


class Breaker:
    """One model on one server (Nygard, Release It!, 2007), with a hearing before it opens.

    Failures alone make a model suspect, because one caller's bad input, or one that took its whole
    batch along, looks the same. A canary with an input that is known to be good gives the verdict:
    `acquit` or `convict`. Where none comes in time, the next answer to a caller is the verdict.
    """

    def __init__(
        self,
        changed: Callable[[State], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._changed = changed
        self._clock = clock
        self.state = State.CLOSED
        self.answered_at = -float("inf")  # the last success
        self._since = clock()  # of the state
        self._trials = 0  # in a row that failed
        self._in_a_row = 0
        self._window = (clock(), 0, 0)  # start, answers, failures

    def admits(self) -> bool:
        """Whether a call may begin."""
        if self.state is State.OPEN:
            return self.seconds_to_trial() <= 0
        return self.state is not State.HALF_OPEN

    def ever_answered(self) -> bool:
        """Whether a call ever succeeded."""
        return self.answered_at > -float("inf")

    def seconds_to_trial(self) -> float:
        """Until an open breaker lets one call through; 0 where calls need not wait."""
        if self.state not in (State.OPEN, State.HALF_OPEN):
            return 0.0
        pause = PAUSES_SECONDS[min(self._trials, len(PAUSES_SECONDS) - 1)]
        return max(0.0, self._since + pause - self._clock())

    def begin(self) -> None:
        """A call begins; `succeed`, `fail`, `acquit`, `convict` or `leave` must follow."""
        if self.state is State.OPEN:
            self._become(State.HALF_OPEN)

    def succeed(self) -> None:
        """It was answered."""
        self.answered_at = self._clock()
        self._in_a_row = 0
        self._count(failed=False)
        if self.state is State.HALF_OPEN or self._is_unheard():
            self.acquit()

    def fail(self) -> None:
        """The model failed at it."""
        self._in_a_row += 1
        self._count(failed=True)
        if self.state is State.HALF_OPEN or self._is_unheard():
            self.convict()
        elif self.state is State.CLOSED and self._looks_broken():
            self.suspect()

    def leave(self) -> None:
        """It ended in a way that says nothing about the model."""
        if self.state is State.HALF_OPEN:
            self._become(State.OPEN)

    def suspect(self) -> None:
        """Something speaks against the model."""
        if self.state is State.CLOSED:
            self._become(State.SUSPECT)

    def acquit(self) -> None:
        """The model works."""
        self.answered_at = self._clock()
        self._in_a_row = self._trials = 0
        self._window = (self._clock(), 0, 0)
        self._become(State.CLOSED)

    def convict(self) -> None:
        """The model is broken."""
        self._trials = self._trials + 1 if self.state is State.HALF_OPEN else 0
        self._become(State.OPEN)

    def retry_now(self) -> None:
        """Something changed: an open breaker need wait no longer."""
        if self.state is State.OPEN:
            self._since = -float("inf")

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state, self._since = state, self._clock()
            self._changed(state)

    def _is_unheard(self) -> bool:
        waited = self._clock() - self._since
        return self.state is State.SUSPECT and waited >= PATIENCE_SECONDS

    def _count(self, *, failed: bool) -> None:
        start, answers, failures = self._window
        if self._clock() - start > WINDOW_SECONDS:
            start, answers, failures = self._clock(), 0, 0
        self._window = (start, answers + 1, failures + failed)

    def _looks_broken(self) -> bool:
        _, answers, failures = self._window
        return self._in_a_row >= IN_A_ROW or (answers >= FEWEST and failures >= SHARE * answers)
