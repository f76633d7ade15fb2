"""Which models were chosen, what the cache knew, and what shadows tell of their candidates."""

from service.cache import Cache
from service.instruments import Instruments
from service.shadow.agreement import Agreement
from service.shadow.watcher import Cause
from service.trace import Trace

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


class RoutingMetrics:
    """What was chosen, by which rule, and what came in its place."""

    def __init__(self, make: Instruments) -> None:
        self._routed = make.counter(
            "fovea_routed_total",
            "Images by the model that answered or was the last to fail, and the rule of the choice",
            "route model version rule",
        )
        self._fallbacks = make.counter(
            "fovea_fallbacks_total", "Images that went on to a fallback", "model to reason"
        )
        self._cache = make.counter(
            "fovea_cache_total", "Images looked up in the response cache", "model result"
        )

    def observe(self, trace: Trace) -> None:
        """Count one image."""
        routing = trace.routing
        if routing is None:
            return
        self._routed(routing.route, trace.model, trace.version, routing.rule).inc()
        for number, one in enumerate(routing.passed_over, 1):
            rest = routing.passed_over[number:]
            to = rest[0].model if rest else trace.model
            self._fallbacks(one.model, to, one.reason).inc()
        if routing.cache is not None:
            self._cache(trace.model, routing.cache).inc()


class ShadowMetrics:
    """What shadows tell: a `service.shadow.watcher.Watcher`."""

    def __init__(self, make: Instruments) -> None:
        self._compared = make.counter(
            "fovea_shadow_compared_total",
            "Images that a candidate answered, by whether it agreed",
            "shadow agrees",
        )
        self._agreement = make.histogram(
            "fovea_shadow_agreement", "1 or 0 for the best label; F1 of boxes", "shadow", SHARES
        )
        self._distance = make.histogram(
            "fovea_shadow_distance", "Total variation of two score vectors", "shadow", SHARES
        )
        self._iou = make.histogram(
            "fovea_shadow_iou", "Mean IoU of the boxes that two models both found", "shadow", SHARES
        )
        self._missed = make.counter(
            "fovea_shadow_missed_boxes_total", "Boxes that the candidate did not find", "shadow"
        )
        self._extra = make.counter(
            "fovea_shadow_extra_boxes_total", "Boxes that the candidate alone found", "shadow"
        )
        self._failures = make.counter(
            "fovea_shadow_failures_total", "Images that a candidate failed at", "shadow problem"
        )
        self._dropped = make.counter(
            "fovea_shadow_dropped_total", "Images that no candidate was shown", "shadow cause"
        )
        self._verdicts = make.switch(
            "fovea_shadow_verdict", "1 for the verdict on a candidate", "shadow verdict"
        )

    def compared(self, shadow: str, agreement: Agreement) -> None:
        """The candidate of ``shadow`` answered an image."""
        self._compared(shadow, "yes" if agreement.agrees else "no").inc()
        self._agreement(shadow).observe(agreement.share)
        if agreement.distance is not None:
            self._distance(shadow).observe(agreement.distance)
        if agreement.iou is not None:
            self._iou(shadow).observe(agreement.iou)
        if agreement.missed is not None:
            self._missed(shadow).inc(agreement.missed)
        if agreement.extra is not None:
            self._extra(shadow).inc(agreement.extra)

    def dropped(self, shadow: str, cause: Cause) -> None:
        """It was not shown one."""
        self._dropped(shadow, cause).inc()

    def failed(self, shadow: str, problem: str) -> None:
        """It could not answer one: ``problem`` is the error's code."""
        self._failures(shadow, problem).inc()

    def verdict(self, shadow: str, kind: str) -> None:
        """The verdict is now ``kind``."""
        self._verdicts(shadow, kind)


class CacheMetrics:
    """How full the response cache is."""

    def __init__(self, make: Instruments) -> None:
        self._entries = make.gauge(
            "fovea_cache_entries", "Answers that the cache holds", together="livesum"
        )()
        self._bytes = make.gauge(
            "fovea_cache_bytes", "Memory that they take, as it is reckoned", together="livesum"
        )()

    def sample(self, cache: Cache) -> None:
        """Look at it."""
        self._entries.set(cache.entries)
        self._bytes.set(cache.held_bytes)
