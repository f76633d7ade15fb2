"""A discrete-event simulation of stages in a row: gateways that decode, servers that batch.

Requests come as a Poisson process. A replica has a queue of its own and some servers (threads that
decode, instances of a model); a server that is free takes what waits, up to a batch, as Triton's
dynamic batcher does without a delay. A batch of n takes ``fixed_seconds + n * each_seconds`` of one
core, times chance. Where ``cores`` are given, whatever runs shares them evenly (processor sharing).

Nothing is refused, lost or late: it tells of loads that are carried, not of overload.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles
from typing import NamedTuple

SETTLING = 0.1  # of the requests, which find the queues emptier than later ones do


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Equal replicas, one of which serves a request."""

    replicas: int = 1
    servers: int = 1  # of a replica
    max_batch: int = 1
    fixed_seconds: float  # of a core for a batch
    each_seconds: float = 0.0  # for each request in it
    wake_seconds: float = 0.0  # more, where the replica had nothing to do
    variation: float = 0.0  # standard deviation over mean of every time: 0 constant, 1 exponential
    balanced: bool = False  # to the replica with the fewest requests; else to any

    def seconds(self, batch: int) -> float:
        """What a batch takes on a core of its own."""
        return self.fixed_seconds + batch * self.each_seconds

    @property
    def capacity(self) -> float:
        """Requests a second with batches that are full."""
        seconds = self.seconds(self.max_batch)
        return self.replicas * self.servers * self.max_batch / seconds if seconds else math.inf


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a simulation came to."""

    latencies: list[float]  # seconds, of each request that counts
    utilisation: list[float]  # of each stage: share of the time that its servers are taken
    mean_batch: list[float]  # of each stage

    @property
    def mean_ms(self) -> float:
        """Of the latencies."""
        return 1000 * fmean(self.latencies)

    def percentile_ms(self, percent: int) -> float:
        """By linear interpolation."""
        return 1000 * quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


class _Replica:
    """One queue and its servers."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.waiting: deque[int] = deque()
        self.present = 0  # requests that wait or are served
        self.chosen = 0  # when it was chosen last
        self.busy = 0
        self.batches = 0
        self.served = 0
        self.busy_seconds = 0.0

    def next_batch(self) -> list[int]:
        """What a free server takes; nothing where none is free or none waits."""
        if self.busy == self.stage.servers:
            return []
        size = min(len(self.waiting), self.stage.max_batch)
        return [self.waiting.popleft() for _ in range(size)]


class _Task(NamedTuple):
    """One batch on one server; ordered by when it will be done."""

    at: float  # on the clock of work
    started: int  # which one it was: orders those that end together
    number: int  # of the stage
    replica: _Replica
    batch: list[int]
    since: float  # on the clock


class _Simulation:
    """Whatever runs gets work at one speed, so that a clock of work orders all completions."""

    def __init__(self, stages: Sequence[Stage], cores: float, generator: random.Random) -> None:
        self._stages = [[_Replica(stage) for _ in range(stage.replicas)] for stage in stages]
        self._cores = cores
        self._generator = generator
        self._worked = 0.0  # seconds of work that a task has got that runs since the start
        self._running: list[_Task] = []  # a heap
        self._started = self._choices = 0
        self.now = 0.0
        self.ended: dict[int, float] = {}

    @property
    def _speed(self) -> float:
        return min(1.0, self._cores / len(self._running))

    def next_completion(self) -> float:
        """When the first of what runs will be done."""
        if not self._running:
            return math.inf
        return self.now + (self._running[0].at - self._worked) / self._speed

    def pass_to(self, moment: float) -> None:
        """Let time pass in which nothing begins and nothing ends."""
        if self._running:
            self._worked += (moment - self.now) * self._speed
        self.now = moment

    def arrive(self, request: int, number: int = 0) -> None:
        """A request comes to stage ``number``, or leaves after the last."""
        if number == len(self._stages):
            self.ended[request] = self.now
            return
        replica = self._choose(self._stages[number])
        replica.waiting.append(request)
        replica.present += 1
        self._serve(number, replica, woken=replica.present == 1)

    def complete(self) -> None:
        """End the first of what runs: its requests go on, its server takes the next."""
        task = heapq.heappop(self._running)
        self._worked, replica = task.at, task.replica
        replica.busy -= 1
        replica.busy_seconds += self.now - task.since
        replica.present -= len(task.batch)
        for request in task.batch:
            self.arrive(request, task.number + 1)
        self._serve(task.number, replica, woken=False)

    def _choose(self, replicas: list[_Replica]) -> _Replica:
        self._choices += 1
        if replicas[0].stage.balanced:
            replica = min(replicas, key=lambda one: (one.present, one.chosen))
        else:
            replica = self._generator.choice(replicas)
        replica.chosen = self._choices
        return replica

    def _serve(self, number: int, replica: _Replica, *, woken: bool) -> None:
        batch = replica.next_batch()
        if not batch:
            return
        replica.busy += 1
        replica.batches += 1
        replica.served += len(batch)
        self._started += 1
        work = replica.stage.seconds(len(batch)) + woken * replica.stage.wake_seconds
        at = self._worked + work * self._chance(replica.stage.variation)
        heapq.heappush(self._running, _Task(at, self._started, number, replica, batch, self.now))

    def _chance(self, variation: float) -> float:
        """Of mean 1, from a gamma distribution."""
        if not variation:
            return 1.0
        return self._generator.gammavariate(1 / variation**2, variation**2)

    def outcome(self, latencies: list[float]) -> Outcome:
        """What it came to, at the end."""
        utilisation, mean_batch = [], []
        for replicas in self._stages:
            servers = len(replicas) * replicas[0].stage.servers
            busy_seconds = sum(one.busy_seconds for one in replicas)
            utilisation.append(busy_seconds / (self.now * servers))
            mean_batch.append(
                sum(one.served for one in replicas) / sum(one.batches for one in replicas)
            )
        return Outcome(latencies, utilisation, mean_batch)


def simulate(
    stages: Sequence[Stage],
    rate: float,
    *,
    cores: float = math.inf,
    requests: int = 20_000,
    seed: int = 0,
) -> Outcome:
    """``requests`` Poisson arrivals, ``rate`` a second, through ``stages``."""
    generator = random.Random(seed)
    simulation = _Simulation(stages, cores, generator)
    due = [generator.expovariate(rate)]
    for _ in range(requests - 1):
        due.append(due[-1] + generator.expovariate(rate))
    arrived = 0
    while len(simulation.ended) < requests:
        completion = simulation.next_completion()
        if arrived < requests and due[arrived] <= completion:
            simulation.pass_to(due[arrived])
            simulation.arrive(arrived)
            arrived += 1
        else:
            simulation.pass_to(completion)
            simulation.complete()
    settled = range(int(SETTLING * requests), requests)
    return simulation.outcome([simulation.ended[one] - due[one] for one in settled])
