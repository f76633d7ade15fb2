"""The run of `check`, and the page of what was foretold and what came."""

import tempfile
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

from benchmarks.capacity.check import PERCENTS, Check, measure
from benchmarks.report import Row, table
from benchmarks.spread import spread


def page(check: Check) -> str:
    """The result as Markdown."""
    parts = [
        "# What the sizing foretells, and what came",
        _arrivals(check),
        _closed(check),
        _decoding(check),
        f"{check.seconds:g} s a load; clients, gateway and Triton on {check.cores} cores. "
        f"{check.machine}",
    ]
    return "\n\n".join(parts) + "\n"


def _arrivals(check: Check) -> str:
    rows: list[Row] = []
    for one in check.steady:
        name = f"{100 * one.share:.0f} %, {one.rate:g}/s"
        for number, percent in enumerate(PERCENTS):
            measured = [ms[number] for ms in one.measured]
            middle = median(measured)
            rows.append(
                (
                    name,
                    f"p{percent}",
                    spread(measured),
                    one.simulated[number],
                    _error(one.simulated[number], middle),
                    one.by_formula[number],
                    _error(one.by_formula[number], middle),
                )
            )
        answers = one.answers_per_second
        error = _error(one.rate, median(answers))
        row = (f"{one.rate:g}", error, f"{one.rate:g}", error)
        rows.append((name, "answers/s", spread(answers), *row))
    head = ("Poisson arrivals", "", "measured", "simulated", "error", "by formula", "error")
    unanswered = sum(one.unanswered for one in check.steady)
    return (
        f"{table(head, rows)}\n\nLatencies in ms; repeats: {len(check.steady[0].measured)}, the "
        "median with the smallest and the largest. Error: foretold over measured, less 1. "
        f"Requests without an answer of 200: {unanswered}."
    )


def _error(foretold: float | None, measured: float) -> str | None:
    return None if foretold is None else f"{100 * (foretold / measured - 1):+.0f} %"


def _closed(check: Check) -> str:
    rows = [
        (
            one.clients,
            one.answers_per_second,
            one.mean_batch,
            one.gateway_ms,
            one.triton_ms,
            one.generator_ms,
        )
        for one in check.closed
    ]
    head = ("clients that wait", "answers/s", "mean batch", "gateway", "Triton", "generator")
    gateway, triton = check.stages
    return (
        f"{table(head, rows)}\n\nThe last three in ms of a core for a request sent, refused ones "
        "too. The simulation was told, from the first two lines: a gateway that takes "
        f"{1000 * gateway.fixed_seconds:.2f} ms, {1000 * gateway.wake_seconds:.2f} more where it "
        f"is idle, and a Triton that takes {1000 * triton.fixed_seconds:.2f} ms a batch and "
        f"{1000 * triton.each_seconds:.2f} an image; every time varies by "
        f"{100 * gateway.variation:.0f} %. Capacity by formula {check.capacity_by_formula:g} "
        f"answers/s, measured {check.capacity:g} "
        f"({_error(check.capacity_by_formula, check.capacity)})."
    )


def _decoding(check: Check) -> str:
    rows = [
        (f"{one.megapixels:.2f}", one.size, one.cpu_ms, f"{one.cpu_ms / one.megapixels:.1f}")
        for one in check.decoding
    ]
    head = ("megapixels", "bytes of JPEG", "ms of a core", "ms a megapixel")
    return f"{table(head, rows)}\n\nDecode and resize."


def run(repository: Path, results: Path, seconds: float, repeats: int) -> None:
    """Measure and write capacity.{json,md}."""
    with tempfile.TemporaryDirectory() as folder:
        check = measure(repository, seconds, repeats, Path(folder), print)
    results.mkdir(parents=True, exist_ok=True)
    written = TypeAdapter(Check).dump_json(check, indent=1)
    (results / "capacity.json").write_bytes(written + b"\n")
    (results / "capacity.md").write_text(page(check))
    print(page(check))
