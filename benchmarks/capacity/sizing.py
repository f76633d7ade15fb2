"""How many gateways and Tritons carry a load within its p99, with some of them lost."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.capacity.figures import Batches, Figures
from benchmarks.capacity.simulator import Stage, simulate

REQUESTS = 10_000  # of a simulation: 90 of those that count lie above p99
GROWTH = 8  # a fleet grows by an eighth at a time, and by one at least
MOST_STEPS = 12
LONE = 1e-6  # requests a second, which never meet


class ImpossibleError(ValueError):
    """No number of nodes will do; the message says what stands in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked, at the peak."""

    rate: float  # requests a second, of one image each
    p99_ms: float
    image_megapixels: float
    image_bytes: int
    answer_bytes: int
    cache_hits: float = 0.0  # share of requests that the gateway's cache answers
    shadow_share: float = 0.0  # share of images that a candidate sees, too


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model on one core, or on one GPU, with Triton around it."""

    name: str
    side: int  # pixels of its square input
    batches: Batches
    max_batch: int
    on_gpu: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """What there is to choose from."""

    gateway_cores: int  # of a replica
    triton_instances: int  # of a Triton: each has a core, or a GPU, to itself
    lost: int  # of the gateways and of the Tritons, at once, and the target still holds
    utilisation: float  # of a stage's capacity, at most, with those lost
    decode_bytes: int  # FOVEA_MAX_DECODE_BYTES and FOVEA_MAX_BUFFERED_BYTES: a worker's,
    buffered_bytes: int
    cache_bytes: int  # FOVEA_CACHE_BYTES: of all workers together


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What so many gateways and Tritons make of the load."""

    gateways: int
    tritons: int
    gateway_utilisation: float  # of its capacity
    triton_utilisation: float  # of its capacity with full batches
    mean_batch: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """An answer, and what follows from it."""

    whole: Estimate  # with all nodes
    reduced: Estimate  # with those lost
    gateway_cores: int  # in all
    gateway_workers: int  # FOVEA_WORKERS of a replica
    gateway_in_flight: int  # predictions present in a replica, by Little's law at p99
    triton_instances: int  # in all
    gateway_mib: int  # memory of a replica, at most
    triton_mib: int | None  # of a node on the CPU
    upload_mbit: float  # a second, from callers
    tensor_mbit: float  # to Triton
    answer_mbit: float  # to callers


def size(load: Load, model: Model, figures: Figures, nodes: Nodes, seed: int = 0) -> Sizing:
    """The smallest deployment that was found: grown from the utilisation until p99 is kept.

    Raises:
        ImpossibleError: one request alone takes longer, or growing does not help.
    """
    plan = _Planner(load, model, figures, nodes, seed)
    reduced = plan.grown()
    gateways, tritons = reduced.gateways + nodes.lost, reduced.tritons + nodes.lost
    whole = plan.estimate(gateways, tritons)
    rate = load.rate / reduced.gateways
    workers = math.ceil(rate * figures.request_seconds / nodes.utilisation)
    worker_mib = figures.worker_mib + (nodes.decode_bytes + nodes.buffered_bytes) / 2**20
    triton_mib = figures.server_mib + nodes.triton_instances * figures.instance_mib
    inferred = load.rate * (1 - load.cache_hits) * (1 + load.shadow_share)
    return Sizing(
        whole=whole,
        reduced=reduced,
        gateway_cores=gateways * nodes.gateway_cores,
        gateway_workers=workers,
        gateway_in_flight=math.ceil(rate * reduced.p99_ms / 1000),
        triton_instances=tritons * nodes.triton_instances,
        gateway_mib=math.ceil(workers * worker_mib + nodes.cache_bytes / 2**20),
        triton_mib=None if model.on_gpu else math.ceil(triton_mib),
        upload_mbit=_mbit(load.rate * load.image_bytes),
        tensor_mbit=_mbit(inferred * model.side**2 * 3),
        answer_mbit=_mbit(load.rate * load.answer_bytes),
    )


def _mbit(bytes_a_second: float) -> float:
    return round(8 * bytes_a_second / 1e6, 1)


class _Planner:
    """One load on deployments of different sizes."""

    def __init__(self, load: Load, model: Model, figures: Figures, nodes: Nodes, seed: int) -> None:
        self._load, self._model, self._nodes, self._seed = load, model, nodes, seed
        self._figures = figures
        self._rate = load.rate * (1 - load.cache_hits)  # of those that are computed

    def grown(self) -> Estimate:
        """The first that keeps p99, from the smallest that keeps the utilisation.

        Raises:
            ImpossibleError
        """
        best = self._alone()
        if best > self._load.p99_ms:
            raise ImpossibleError(
                f"p99 of {self._load.p99_ms:g} ms: a request that is alone takes {best:.1f} ms. "
                "A smaller image, a faster network or a faster core would help; nodes do not"
            )
        here = self.estimate(*self._fewest())
        for _ in range(MOST_STEPS):
            if here.p99_ms <= self._load.p99_ms:
                return here
            larger = [self.estimate(*fleets) for fleets in _larger(here)]
            here = min(larger, key=lambda one: one.p99_ms)
        raise ImpossibleError(
            f"p99 of {self._load.p99_ms:g} ms: {here.gateways} gateways and {here.tritons} Tritons "
            f"have {here.p99_ms:.1f} ms, and a request that is alone takes {best:.1f} ms"
        )

    def estimate(self, gateways: int, tritons: int) -> Estimate:
        """What so many make of it."""
        stages = self._stages(gateways, tritons)
        found = simulate(
            stages,
            self._rate,
            requests=REQUESTS,
            seed=self._seed,
        )
        return Estimate(
            gateways=gateways,
            tritons=tritons,
            gateway_utilisation=round(self._rate / stages[0].capacity, 3),
            triton_utilisation=round(self._rate / stages[1].capacity, 3),
            mean_batch=round(found.mean_batch[1], 2),
            p50_ms=round(found.percentile_ms(50), 1),
            p99_ms=round(found.percentile_ms(99), 1),
        )

    def _alone(self) -> float:
        """p99 in ms of requests that never meet."""
        found = simulate(
            self._stages(1, 1),
            LONE,
            requests=REQUESTS // 5,
            seed=self._seed,
        )
        return found.percentile_ms(99)

    def _fewest(self) -> tuple[int, int]:
        gateway, triton = (stage.capacity for stage in self._stages(1, 1))
        allowed = self._rate / self._nodes.utilisation
        return math.ceil(allowed / gateway), math.ceil(allowed / triton)

    def _stages(self, gateways: int, tritons: int) -> list[Stage]:
        """Hits take the gateway's time from the others; a candidate is taken to cost the same."""
        load, figures, batches = self._load, self._figures, self._model.batches
        decode_seconds = load.image_megapixels * figures.decode_seconds
        shown = 1 + load.shadow_share
        return [
            Stage(
                replicas=gateways,
                servers=self._nodes.gateway_cores,
                fixed_seconds=decode_seconds + figures.request_seconds / (1 - load.cache_hits),
                wake_seconds=figures.wake_seconds,
                variation=figures.variation,
            ),
            Stage(
                replicas=tritons,
                servers=self._nodes.triton_instances,
                max_batch=self._model.max_batch,
                fixed_seconds=batches.fixed_seconds * shown,
                each_seconds=batches.each_seconds * shown,
                variation=figures.variation,
                balanced=True,
            ),
        ]


def _larger(here: Estimate) -> Iterator[tuple[int, int]]:
    yield here.gateways + max(1, here.gateways // GROWTH), here.tritons
    yield here.gateways, here.tritons + max(1, here.tritons // GROWTH)
