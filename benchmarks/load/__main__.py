"""Carry out the plan on stdin and print the report: `python -m benchmarks.load < plan.json`."""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import uvloop

from benchmarks.load.grpc import TritonCaller
from benchmarks.load.http import Callers, request_bytes
from benchmarks.load.loops import Ask, arriving, closed
from benchmarks.load.plan import PLANS, REPORTS, Plan, Report
from benchmarks.load.samples import OK, Sample, figures


@asynccontextmanager
async def asking(plan: Plan) -> AsyncIterator[Ask]:
    """The way to send one request to the plan's target."""
    target = plan.target
    image = target.image.read_bytes()
    if target.protocol == "triton":
        caller = TritonCaller(target.port, target.path, image, plan.patience_seconds)
        yield caller.ask
        await caller.close()
    else:
        callers = Callers(target.port, plan.patience_seconds)
        yield partial(callers.ask, request_bytes(target.path, image))
        await callers.close()


async def carry_out(plan: Plan) -> Report:
    """Send the load and sum up what counts: all but the lead."""
    total = plan.lead_seconds + plan.seconds
    async with asking(plan) as ask:
        started, cpu = time.perf_counter(), time.process_time()
        if plan.clients:
            samples = await closed(ask, plan.clients, total)
        else:
            samples = await arriving(ask, plan.rate, total, plan.seed)
        cpu = time.process_time() - cpu
        elapsed = time.perf_counter() - started
    counted = _counted(samples, plan, started + plan.lead_seconds)
    answered = [sample for sample in counted if sample.status == OK] if plan.keep else []
    return Report(
        figures=figures(counted, plan.seconds),
        requests_in_all=len(samples),
        cpu_seconds=round(cpu, 3),
        cpu_share=round(cpu / elapsed, 4),
        latencies_ms=[round(1000 * sample.seconds, 3) for sample in answered],
    )


def _counted(samples: list[Sample], plan: Plan, start: float) -> list[Sample]:
    """Of clients that wait, what ended in the window; of arrivals, what was due in it."""
    end = start + plan.seconds
    if plan.clients:
        return [sample for sample in samples if start <= sample.end < end]
    return [sample for sample in samples if start <= sample.due < end]


def main() -> None:
    """Read, run, print."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # overload opens many connections
    plan = PLANS.validate_json(sys.stdin.buffer.read())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(carry_out(plan))
    sys.stdout.buffer.write(REPORTS.dump_json(report))


if __name__ == "__main__":
    main()
