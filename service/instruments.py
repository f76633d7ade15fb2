"""Counters, gauges and histograms of prometheus_client, of this process or of several workers.

Workers that find PROMETHEUS_MULTIPROC_DIR at their start keep their values in files of that folder,
and each of them shows the sums of all: counts of a worker outlive it, what it shows of itself does
not. A process that is alone keeps its values in memory.
"""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    values,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

Together = Literal["livesum", "livemax"]  # what the gauges of several workers are together


class Instruments:
    """Makes instruments, each a function from the values of its labels to what counts them.

    The functions are caches: the library's own look-up takes several times as long.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder and values.ValueClass is values.MutexValue:
            raise RuntimeError("PROMETHEUS_MULTIPROC_DIR must be set before Python starts")
        disable_created_metrics()  # a line more for each child, which nobody asks for
        self._folder = folder
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)

    @property
    def shared(self) -> bool:
        """Whether there may be other workers."""
        return self._folder is not None

    def histogram(
        self, name: str, meaning: str, labels: str, edges: Sequence[float]
    ) -> Callable[..., Histogram]:
        """``labels`` are names with spaces between them."""
        family = Histogram(name, meaning, labels.split(), buckets=edges, registry=self._registry)
        return cache(family.labels)

    def counter(self, name: str, meaning: str, labels: str) -> Callable[..., Counter]:
        """Likewise."""
        return cache(Counter(name, meaning, labels.split(), registry=self._registry).labels)

    def gauge(
        self, name: str, meaning: str, labels: str = "", together: Together = "livemax"
    ) -> Callable[..., Gauge]:
        """Likewise; without labels it takes no values."""
        family = Gauge(
            name, meaning, labels.split(), multiprocess_mode=together, registry=self._registry
        )
        return cache(family.labels) if labels else lambda: family

    def switch(self, name: str, meaning: str, labels: str) -> Callable[..., None]:
        """A gauge whose last label is a state: 1 for the present one, 0 for those there were."""
        gauge = self.gauge(name, meaning, labels)
        present: dict[tuple[str, ...], str] = {}

        def become(*labels: str) -> None:
            *thing, state = labels
            before = present.get(tuple(thing))
            if before is not None:
                gauge(*thing, before).set(0)
            gauge(*thing, state).set(1)
            present[tuple(thing)] = state

        return become

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its media type, as an Accept header wants it."""
        encode, media_type = choose_encoder(accept)
        if self._folder is None:
            return encode(self._registry), media_type
        _forget_the_dead(self._folder)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, str(self._folder))
        return encode(everybody), media_type


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that are no more."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if not _alive(int(pid)):
            mark_process_dead(pid, str(folder))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
