"""How the Tritons are, and what was tried again."""

from service.instruments import Instruments


class TritonMetrics:
    """What the Triton client tells: a `service.triton.watcher.Watcher`."""

    def __init__(self, make: Instruments) -> None:
        self._retries = make.counter(
            "fovea_retries_total", "Inferences that were tried again", "fault"
        )
        self._retries_refused = make.counter(
            "fovea_retries_refused_total", "Retries that the budget of them did not allow", "fault"
        )
        self._canaries = make.counter(
            "fovea_canaries_total",
            "Inferences that nobody asked for, to see whether a model works",
            "endpoint model result",
        )
        self._health = make.switch(
            "fovea_endpoint_health", "1 for the state that a Triton is in", "endpoint health"
        )
        self._breakers = make.switch(
            "fovea_breaker_state", "1 for the state of a circuit breaker", "endpoint model state"
        )

    def retried(self, fault: str) -> None:
        """A request that ended in ``fault`` is asked again."""
        self._retries(fault).inc()

    def retry_refused(self, fault: str) -> None:
        """It would have been, but the budget of retries is used up."""
        self._retries_refused(fault).inc()

    def tried_out(self, endpoint: str, model: str, result: str) -> None:
        """A sample was tried on ``model``: `ok`, or the fault it ended in."""
        self._canaries(endpoint, model, result).inc()

    def endpoint_changed(self, endpoint: str, health: str) -> None:
        """``endpoint`` is now ``health``."""
        self._health(endpoint, health)

    def breaker_changed(self, endpoint: str, model: str, state: str) -> None:
        """The breaker of ``model`` at ``endpoint`` is now ``state``."""
        self._breakers(endpoint, model, state)
