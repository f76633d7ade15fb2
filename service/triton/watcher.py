"""What somebody who counts is told; every argument is Triton's name or of a closed set."""

from typing import Protocol


class Watcher(Protocol):
    """Told of retries and changes as they happen; must return at once and never raise."""

    def retried(self, fault: str) -> None:
        """A request that ended in ``fault`` is asked again."""
        ...

    def retry_refused(self, fault: str) -> None:
        """It would have been, but the budget of retries is used up."""
        ...

    def tried_out(self, endpoint: str, model: str, result: str) -> None:
        """A sample was tried on ``model``: it answered (`ok`), or ended in a fault."""
        ...

    def endpoint_changed(self, endpoint: str, health: str) -> None:
        """``endpoint`` is now ``health``: a value of `service.triton.endpoint.Health`."""
        ...

    def breaker_changed(self, endpoint: str, model: str, state: str) -> None:
        """The breaker of ``model`` at ``endpoint`` is now ``state``: a value of `breaker.State`."""
        ...


class Unwatched:
    """Nobody counts."""

    def retried(self, fault: str) -> None:
        """Ignore it."""

    def retry_refused(self, fault: str) -> None:
        """Ignore it."""

    def tried_out(self, endpoint: str, model: str, result: str) -> None:
        """Ignore it."""

    def endpoint_changed(self, endpoint: str, health: str) -> None:
        """Ignore it."""

    def breaker_changed(self, endpoint: str, model: str, state: str) -> None:
        """Ignore it."""
