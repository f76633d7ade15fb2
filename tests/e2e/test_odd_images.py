"""Any file posted as an image is answered: with what it shows, or with a problem that is its own.

`ODD_IMAGES=all` posts eight times as many damaged files, and bombs at the limits of size, in
some minutes. Slowest files and peak memory are printed: add `-s`.
"""

import base64
import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.stack import REPOSITORY, Stack, serve
from tests.odd_images.corpus import ALL, large, small
from tests.odd_images.odd import Odd

ALLOWED_SECONDS = 5.0
ALLOWED_ABOVE_IDLE = 512 * 2**20
AT_ONCE = 8
SPARSE = 3  # of the small files, which all are posted together, every third is posted alone too
TYPES = ("image/jpeg", "image/png", "image/webp", "image/x-icon", "image/*", "image/svg+xml")


@dataclass(frozen=True)
class Gateway:
    """A stack with the settings that it has by default, and what it costs."""

    stack: Stack
    client: httpx.Client
    idle_bytes: int

    def processor_seconds(self) -> float:
        times = self.stack.gateway().cpu_times()
        return times.user + times.system

    def peak_bytes(self) -> int:
        """Above idle, since the last call."""
        folder = Path("/proc") / str(self.stack.gateway().pid)
        status = (folder / "status").read_text()
        (folder / "clear_refs").write_text("5")  # proc(5): resets the peak
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 - self.idle_bytes


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    if not (REPOSITORY / "mbv2_simam/1/model.pt").exists():
        pytest.fail("model_repository/mbv2_simam/1/model.pt is not built: run `make models`")
    with (
        serve(tmp_path_factory.mktemp("odd") / "log", FOVEA_QUEUE_SECONDS="0.1") as stack,
        httpx.Client(base_url=stack.url, timeout=60) as client,
    ):
        yield Gateway(stack, client, stack.gateway().memory_info().rss)


def post(client: httpx.Client, odd: Odd, turn: int) -> httpx.Response:
    """Raw under any type, as a part of a form, or in JSON, by turns."""
    url = "/predict?model=mbv2_simam"
    if turn % 9 == 7:
        return client.post(url, files={"file": ("../../x.php\0.jpg", odd.data, "text/html")})
    if turn % 9 == 8 and len(odd.data) < 10_000_000:
        return client.post(url, json={"image": base64.b64encode(odd.data).decode()})
    return client.post(url, content=odd.data, headers={"content-type": TYPES[turn % len(TYPES)]})


def fault(odd: Odd, answer: httpx.Response) -> str:
    """What is wrong with an answer, if anything is."""
    if answer.status_code == 200:
        return _wrong(odd, answer.json())
    if not 400 <= answer.status_code < 500:
        return f"is answered with {answer.status_code}: {answer.text[:200]}"
    if answer.headers["content-type"] != "application/problem+json":
        return f"is refused without a problem: {answer.text[:200]}"
    problem = json.loads(answer.text)
    if problem["status"] != answer.status_code or not problem["detail"]:
        return f"is refused with an odd problem: {problem}"
    return f"is refused: {problem['detail']}" if odd.refused is False else ""


def _wrong(odd: Odd, document: dict) -> str:
    """What is wrong with an answer that tells what the file shows."""
    size = document["image"]["height"], document["image"]["width"]
    if odd.refused:
        return f"is read, as {size}"
    if odd.pixels is not None and size != odd.pixels.shape[:2]:
        return f"is {size} instead of {odd.pixels.shape[:2]}"
    return "" if document["predictions"] else "is seen as nothing"


@pytest.mark.timeout(1200)
def test_one_at_a_time(gateway: Gateway) -> None:
    """Its time is the gateway's own on the processor: the machine may be busy with other things."""
    faults, seconds = {}, {}
    gateway.peak_bytes()
    files = [*list(small())[:: 1 if ALL else SPARSE], *large()]
    for turn, odd in enumerate(files):
        before = gateway.processor_seconds()
        words = fault(odd, post(gateway.client, odd, turn))
        seconds[odd.name] = gateway.processor_seconds() - before
        if words:
            faults[odd.name] = words
    peak = gateway.peak_bytes()
    slowest = sorted(seconds.items(), key=lambda item: item[1])[-10:]
    print(f"\n{len(seconds)} files, peak {peak / 2**20:.0f} MiB above idle, slowest {slowest}")  # noqa: T201
    assert not faults
    assert max(seconds.values()) < ALLOWED_SECONDS
    assert peak < ALLOWED_ABOVE_IDLE


@pytest.mark.timeout(1200)
def test_many_at_once(gateway: Gateway) -> None:
    files = [*small(), *large()]
    random.Random(0).shuffle(files)
    gateway.peak_bytes()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(
            pool.map(lambda item: post(gateway.client, item[1], item[0]), enumerate(files))
        )
    peak = gateway.peak_bytes()
    longest = sorted(
        (answer.elapsed.total_seconds(), odd.name)
        for odd, answer in zip(files, answers, strict=True)
    )
    print(f"\n{len(files)} files, peak {peak / 2**20:.0f} MiB above idle, longest {longest[-10:]}")  # noqa: T201
    faults = {odd.name: fault(odd, answer) for odd, answer in zip(files, answers, strict=True)}
    assert {name: words for name, words in faults.items() if words} == {}
    assert peak < ALLOWED_ABOVE_IDLE
