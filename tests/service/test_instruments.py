"""Several workers show the same sums, and one that dies takes only its gauges along."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from service.instruments import Instruments
from tests.service.scraping import scraped, shown
from tests.service.scripted_triton import Script
from tests.service.test_main import RECIPE, Gateway, running

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
WORKER = """
import sys
from pathlib import Path
from service.instruments import Instruments

make = Instruments(Path(sys.argv[1]))
make.counter("asked_total", "x", "model")("signs").inc(int(sys.argv[2]))
make.histogram("took", "x", "model", [1, 2])("signs").observe(int(sys.argv[2]))
make.gauge("running", "x", "model", "livesum")("signs").set(int(sys.argv[2]))
make.gauge("greatest", "x")().set(int(sys.argv[2]))
become = make.switch("state", "x", "server state")
become("a", "up")
become("a", "down")
print("ready", flush=True)
for _ in sys.stdin:
    print(make.render()[0].decode(), "END", flush=True)
"""


class Worker:
    """A process that has counted ``number``."""

    def __init__(self, folder: Path, number: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(folder), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {VARIABLE: str(folder)},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def shows(self) -> dict[str, float]:
        assert self.process.stdin is not None
        print(file=self.process.stdin, flush=True)
        return shown("".join(iter(self.line, " END\n")))

    def die(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def workers(folder: Path, *numbers: int) -> Iterator[list[Worker]]:
    started = [Worker(folder, number) for number in numbers]
    try:
        for worker in started:
            assert worker.line() == "ready\n"
        yield started
    finally:
        for worker in started:
            worker.die()


def test_whichever_worker_is_asked_shows_the_sum_of_all(tmp_path: Path) -> None:
    with workers(tmp_path, 1, 2, 4) as (one, *others):
        samples = one.shows()
        assert all(other.shows() == samples for other in others)
    assert samples['asked_total{model="signs"}'] == 7
    assert samples['took_bucket{le="2.0",model="signs"}'] == 2
    assert samples['took_count{model="signs"}'] == 3
    assert samples['running{model="signs"}'] == 7
    assert samples["greatest"] == 4
    assert samples['state{server="a",state="down"}'] == 1
    assert samples['state{server="a",state="up"}'] == 0


def test_a_worker_that_is_killed_leaves_its_counts_and_takes_its_gauges(tmp_path: Path) -> None:
    with workers(tmp_path, 1, 2) as (killed, left):
        killed.die()
        with workers(tmp_path, 4) as (fresh,):
            samples = fresh.shows()
            assert left.shows() == samples
    assert samples['asked_total{model="signs"}'] == 7
    assert samples['running{model="signs"}'] == 6


def test_a_folder_that_comes_too_late_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=VARIABLE):
        Instruments(tmp_path)


@asynccontextmanager
async def two_gateways(folder: Path) -> AsyncIterator[tuple[Gateway, Gateway]]:
    script, environment = Script(recipe=RECIPE), {VARIABLE: str(folder)}
    async with running(script, **environment) as one, running(script, **environment) as other:
        yield one, other


@pytest.mark.anyio
async def test_two_gateways_show_what_both_have_answered(tmp_path: Path) -> None:
    async with two_gateways(tmp_path) as (one, other):
        for gateway in (one, one, other):
            assert (await gateway.predict()).status_code == 200
        samples = await scraped(one.client)
        assert await count(other) == 3
        other.process.kill()
        await other.process.wait()
        assert await count(one) == 3
    labels = 'model="signs",outcome="ok",stage="infer",version="7"'
    assert samples[f"fovea_stage_seconds_count{{{labels}}}"] == 3
    assert samples["fovea_models"] == 1
    assert [number for name, number in samples.items() if "build_info" in name] == [1]


async def count(gateway: Gateway) -> float:
    samples = await scraped(gateway.client)
    return next(
        number
        for name, number in samples.items()
        if re.fullmatch(r'fovea_request_seconds_count\{.*outcome="ok".*\}', name)
    )
