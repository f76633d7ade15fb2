"""Requests, thousands of them one after the other, leave every process as large as it was.

`python -m benchmarks.soak` sends a hundred thousand of all kinds.
"""

import http.client
from urllib.parse import urlsplit

import psutil

from tests.e2e.stack import Stack
from tests.e2e.test_prediction import PHOTOGRAPHS
from zoo.signs.dataset import Split, render

WARM_UP, REQUESTS = 500, 2_500
ALLOWED_MIB = 8  # arenas settle; one leaked 12 KiB image a request would be 29 MiB


def resident_mib(processes: list[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in processes) / 2**20


def send(stack: Stack, body: bytes, count: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc)
    for _ in range(count):
        connection.request(
            "POST", "/predict?model=mbv2_simam", body, {"content-type": "image/jpeg"}
        )
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, True)
    connection.close()


def test_thousands_of_requests_leave_memory_flat(stack: Stack) -> None:
    body = render(Split.TEST, 0).jpeg
    processes = stack.tree()
    send(stack, body, WARM_UP)
    before = resident_mib(processes)
    send(stack, body, REQUESTS)
    assert resident_mib(processes) - before < ALLOWED_MIB


def test_large_photographs_leave_memory_flat(stack: Stack) -> None:
    body = (PHOTOGRAPHS / "retina.jpg").read_bytes()  # 1411×1411, 6 MB decoded
    processes = stack.tree()
    send(stack, body, 50)
    before = resident_mib(processes)
    send(stack, body, 200)
    assert resident_mib(processes) - before < ALLOWED_MIB
