"""How many retries there may be: a share of the requests, so that they never feed an outage."""

SHARE = 0.1  # of a retry that each request brings
BURST = 32.0  # retries saved up at most: about what a server has in flight when it dies


class RetryBudget:
    """A bucket of tokens (Finagle's RetryBudget): requests fill it, each retry takes one."""

    def __init__(self, share: float = SHARE, burst: float = BURST) -> None:
        self._share = share
        self._burst = burst
        self._tokens = burst

    def deposit(self) -> None:
        """A request began."""
        self._tokens = min(self._burst, self._tokens + self._share)

    def take(self) -> bool:
        """Whether there may be one more retry; it is taken if so."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
