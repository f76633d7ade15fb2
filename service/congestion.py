"""How many predictions a model takes at once, learned from how long they take.

By Little's law, in flight = throughput × latency: up to saturation more in flight means more
throughput, beyond it only more latency. So the limit grows until latency has risen to a goal, and
shrinks by the ratio of the two when it is over. Latency that rises somewhat with the number in
flight is no congestion: a batch takes longer than a single image and is worth it. The goal is
therefore a multiple of the latency of a prediction that has the model to itself.

Sources: TCP Vegas (Brakmo and Peterson, 1995); Netflix's concurrency-limits, Gradient2Limit, whose
ratio of latencies and rule for idle times this follows; the baseline is measured as in Envoy's
adaptive concurrency filter and in BBR (Cardwell et al., ACM Queue, 2016). Netflix's baseline is an
average under load, which follows a lasting overload upwards and lets the limit drift with it. Here
the baseline is the latency of a prediction that has the model to itself: the first one does, later
ones may by chance, and if none did for a while and the limit has to shrink, a few are made to.
"""

import math

LEAST = 2  # keeps decoding and inference of a slow model busy at the same time
INITIAL = 16  # enough for a burst of a few dozen callers, of whom as many wait
# Of latency over the baseline, before it counts as congestion. An image in the second batch of
# eight waits for sixteen: that takes several times as long as alone, and is worth it.
LEAST_RISE, MOST_RISE = 1.5, 12.0
LEARNED = 5  # predictions after which the limit is no mere guess
LEAST_WINDOW = 10  # predictions between two changes of the limit; more of them the higher it is
STEEPEST = 0.5  # factor of one change
BACK_OFF = 0.7  # factor when a prediction was lost to congestion
WEIGHT, PROBE_WEIGHT = 0.1, 0.3  # of a new measurement in a running average
PROBE = 5  # predictions that are made to be alone, one after the other
PROBE_ENDS = 20  # latencies after which a probe is given up: one that hangs would keep it going
STALE_SECONDS = 10.0  # a baseline of that age must be measured again before the limit shrinks


class AdaptiveLimit:
    """The limit of one model; times are seconds of one monotonic clock.

    The goal for the latency is ``target_seconds``, but within 1.5 to 12 times the baseline: a fast
    model is not let become slow, nor is a slow one asked for what it cannot do.
    """

    def __init__(self, most: int, target_seconds: float) -> None:
        self._most = most
        self._target_seconds = target_seconds
        self._limit = float(min(INITIAL, most))
        self._observed = 0  # up to LEARNED
        self._starting = True  # until the limit was too high for once, it grows fast (slow start)
        self._changed_at = -math.inf
        self._count, self._sum = 0, 0.0  # of the window
        self._probe, self._probe_ends = 1, math.inf  # predictions that are to be alone yet
        self._measured_at = 0.0  # when one was alone
        self.baseline_seconds = 0.0  # latency of a prediction that is alone
        self.latency_seconds = 0.0  # of late, when the limit was half used at least

    @property
    def value(self) -> int:
        """Predictions that may be in flight."""
        return 1 if self._probe else int(self._limit)

    @property
    def learned(self) -> bool:
        """Whether the limit rests on measurements."""
        return self._observed >= LEARNED

    def observe(self, started: float, ended: float, in_flight: int) -> None:
        """Learn from a prediction that succeeded while at most ``in_flight`` were under way."""
        seconds = ended - started
        if not self.learned:
            self._observed += 1
            self.latency_seconds = seconds  # not a mean: the very first may be slow by far
        if in_flight == 1:
            self._learn_baseline(seconds, ended)
        if self._probe and ended > self._probe_ends:
            self._probe = 0
        # An idle time says nothing about any limit.
        if self._probe or in_flight * 2 < self._limit:
            return
        self.latency_seconds = _averaged(self.latency_seconds, seconds, WEIGHT)
        if started >= self._changed_at:  # one that began before says nothing about this limit
            self._count, self._sum = self._count + 1, self._sum + seconds
        if self._count >= max(LEAST_WINDOW, 2 * self._limit):
            self._adjust(self._sum / self._count, ended)

    def back_off(self, started: float, ended: float) -> None:
        """Learn from a prediction that was lost to congestion: once for all that began together."""
        if started >= self._changed_at:
            self._change(self._limit * BACK_OFF, ended)

    def _learn_baseline(self, seconds: float, now: float) -> None:
        weight = PROBE_WEIGHT if self._probe else WEIGHT
        self.baseline_seconds = _averaged(self.baseline_seconds, seconds, weight)
        self._measured_at = now
        self._probe = max(0, self._probe - 1)

    def _adjust(self, seconds: float, now: float) -> None:
        # Nothing is faster than a prediction that is alone.
        self.baseline_seconds = min(self.baseline_seconds, seconds)
        least, most = LEAST_RISE * self.baseline_seconds, MOST_RISE * self.baseline_seconds
        goal = min(max(self._target_seconds, least), most)
        if seconds <= goal:
            step = self._limit if self._starting else math.sqrt(self._limit)
            self._change(self._limit + step / 2, now)
            return
        self._starting = False
        if now - self._measured_at < STALE_SECONDS:
            self._change(self._limit * max(STEEPEST, goal / seconds), now)
        else:
            self._probe, self._probe_ends = PROBE, now + PROBE_ENDS * seconds
            self._measured_at = now

    def _change(self, limit: float, now: float) -> None:
        self._limit = min(max(limit, LEAST), self._most)
        self._changed_at = now
        self._count, self._sum = 0, 0.0


def _averaged(known: float, new: float, weight: float) -> float:
    return known + (new - known) * weight if known else new
