"""Whether an inference that failed is tried again, and where; it changes nothing, so it may be."""

from collections.abc import Sequence

from service.errors import GatewayError
from service.triton.balancer import Balancer
from service.triton.budget import RetryBudget
from service.triton.endpoint import Endpoint
from service.triton.translate import Fault
from service.triton.watcher import Watcher

MOST_ATTEMPTS = 3
# A full queue, a bad input or a passed deadline would be the same elsewhere.
ELSEWHERE = {Fault.UNREACHABLE, Fault.STOPPING, Fault.GONE, Fault.BROKEN}
ANYWHERE = {Fault.UNREACHABLE, Fault.STOPPING}  # a broken connection may be made anew, once


class Retries:
    """Few and only where another answer can be hoped for, within a budget of all requests."""

    def __init__(self, balancer: Balancer, budget: RetryBudget, watcher: Watcher) -> None:
        self._balancer = balancer
        self._budget = budget
        self._watcher = watcher

    def expect(self) -> None:
        """A request begins."""
        self._budget.deposit()

    def again(
        self, fault: Fault, model: str, version: str, tried: Sequence[Endpoint]
    ) -> Endpoint | None:
        """Where to try next after attempts at ``tried``, the last of which ended in ``fault``."""
        if fault not in ELSEWHERE or len(tried) >= MOST_ATTEMPTS:
            return None
        try:
            endpoint = self._balancer.choose(model, version, tried)
        except GatewayError:  # there is nobody left; the first failure is the one to tell
            return None
        if endpoint in tried and (fault not in ANYWHERE or len(tried) > 1):
            return None
        if not self._budget.take():
            self._watcher.retry_refused(fault)
            return None
        self._watcher.retried(fault)
        return endpoint
