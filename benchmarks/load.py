"""Closed-loop HTTP clients: each sends, waits for the answer, sends again."""

import http.client
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of closed-loop clients saw; latencies in milliseconds."""

    clients: int
    requests: int
    errors: int
    requests_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


def measure(url: str, bodies: Sequence[bytes], *, clients: int, requests: int) -> Load:
    """POST ``requests`` times in all, over ``clients`` kept-alive connections."""
    share = requests // clients
    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        runs = list(pool.map(lambda first: _client(url, bodies, first, share), range(clients)))
    return summarise(clients, runs, time.perf_counter() - start)


def summarise(clients: int, runs: list[list[tuple[float, bool]]], seconds: float) -> Load:
    """``runs`` hold, for each client, (seconds, success) of each request."""
    latencies = sorted(1000 * latency for run in runs for latency, _ in run)
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Load(
        clients=clients,
        requests=len(latencies),
        errors=sum(not good for run in runs for _, good in run),
        requests_per_second=round(len(latencies) / seconds, 1),
        p50_ms=round(cuts[49], 2),
        p95_ms=round(cuts[94], 2),
        p99_ms=round(cuts[98], 2),
    )


def _client(url: str, bodies: Sequence[bytes], first: int, count: int) -> list[tuple[float, bool]]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    seen = []
    for number in range(count):
        body = bodies[(first + number) % len(bodies)]
        start = time.perf_counter()
        connection.request(
            "POST", f"{parts.path}?{parts.query}", body, {"content-type": "image/jpeg"}
        )
        answer = connection.getresponse()
        answer.read()
        seen.append((time.perf_counter() - start, answer.status == 200))
    connection.close()
    return seen
