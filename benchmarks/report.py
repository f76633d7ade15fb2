"""results/serving.json to results/serving.md: `python -m benchmarks.report` writes it again."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.bare_loop import Bare, best
from benchmarks.comparison import (
    MEASURES,
    RunOf,
    ahead,
    closed,
    equal,
    figure,
    fovea,
    over,
    overload,
    percent,
    server_cpu,
    steady,
)
from benchmarks.results import Results, SystemResult, read
from benchmarks.spread import Spread
from benchmarks.systems import TRITON

FOLDER = Path(__file__).parent / "results"
Row = Sequence[object]


def write(results: Results, file: Path) -> None:
    """The whole page."""
    sections = {
        "Fovea against the others": _comparison(results),
        "Clients that wait for their answers": _closed(results),
        "Poisson arrivals": _open(results),
        "Overload": _overload(results),
        "The bare loop and the generator": _references(results),
        "The systems": _systems(results),
    }
    parts = [f"## {title}\n\n{text}" for title, text in sections.items()]
    file.write_text("\n\n".join(["# Serving speed", _conditions(results), *parts]) + "\n")


def table(head: Sequence[str], rows: Iterable[Row]) -> str:
    """A Markdown table; None is a dash."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        f"| {' | '.join('–' if cell is None else str(cell) for cell in line)} |" for line in lines
    )


def _conditions(results: Results) -> str:
    settings = results.settings
    lines = [
        f"{results.machine}; servers, clients and all else on two cores.",
        f"The same file `{results.model}` and the same {results.image} for every system.",
        f"{settings.repeats} visits to each system in turns, {settings.seconds:g} s a load after "
        f"{settings.warm_up_seconds:g} s of warm-up; medians, in brackets the smallest and the "
        "largest.",
    ]
    if results.left_out:
        lines.append(f"Not installed and left out: {', '.join(results.left_out)}.")
    lines += [
        f"{system.name} failed {len(system.failures)} of {settings.repeats} visits: "
        f"{'; '.join(sorted(set(system.failures)))}."
        for system in results.systems
        if system.failures
    ]
    return "\n".join(lines)


def _comparison(results: Results) -> str:
    rows = []
    for measure in MEASURES:
        losses = [
            f"{one.system.name} {one.figure}{' ≈' if one.by_chance else ''}"
            for one in ahead(results, measure)
        ]
        rows.append((measure.name, fovea(results, measure.value), "; ".join(losses) or "nobody"))
    note = "≈: the repeats of both are mixed, so that their order may be chance."
    return table(("measure", "Fovea", "Fovea loses to"), rows) + f"\n\n{note}"


def _closed(results: Results) -> str:
    full = max(best(results.bare_before), best(results.bare_after))
    rows = [
        _closed_row(system, at, full)
        for system in results.systems
        for at in range(len(system.visits[0].closed) if system.visits else 0)
    ]
    head = "system", "clients", "answers/s", "of the bare loop", "p50 ms", "p95 ms", "p99 ms"
    return table((*head, "CPU ms a request", "failed"), rows)


def _closed_row(system: SystemResult, at: int, full: float) -> Row:
    run = closed(at)
    rate = over(system, figure(run, "answers_per_second"))
    share = None if rate is None or system.name == TRITON else f"{rate.median / full:.0%}"
    return (
        system.name,
        system.visits[0].closed[at].clients,
        rate,
        share,
        *_latencies(system, run),
        over(system, server_cpu(run)),
        sum(run(visit).figures.failed for visit in system.visits),
    )


def _open(results: Results) -> str:
    loads = (("equal for all", equal), ("70 % of its capacity", steady))
    rows = [_open_row(system, name, run) for name, run in loads for system in results.systems]
    head = "system", "arrivals", "a second", "p50 ms", "p95 ms", "p99 ms"
    note = "Latency counts from the moment a request was due, so it holds the generator's lateness."
    return table((*head, "generator late, p99 ms", "not answered"), rows) + f"\n\n{note}"


def _open_row(system: SystemResult, name: str, run: RunOf) -> Row:
    figures = [run(visit).figures for visit in system.visits]
    return (
        system.name,
        name,
        over(system, lambda visit: run(visit).offered_per_second),
        *_latencies(system, run),
        over(system, figure(run, "late_p99_ms")),
        sum(one.refused + one.failed for one in figures),
    )


def _overload(results: Results) -> str:
    settings = results.settings
    head = "system", "offered/s", "good/s", "good, % of capacity", "p99 ms", "refused %"
    note = (
        f"Three times a system's own capacity. Good: 200 within {settings.good_seconds:g} s. "
        "Refused: 429 or 503. Failed: another status, or a caller that left after "
        f"{settings.patience_seconds:g} s."
    )
    rows = [_overload_row(system) for system in results.systems]
    return table((*head, "refusal p50 ms", "refusal p99 ms", "failed %"), rows) + f"\n\n{note}"


def _overload_row(system: SystemResult) -> Row:
    return (
        system.name,
        over(system, lambda visit: visit.overload.offered_per_second),
        over(system, figure(overload, "good_per_second")),
        over(system, lambda visit: 100 * visit.overload.figures.good_per_second / visit.capacity),
        over(system, figure(overload, "p99_ms")),
        over(system, percent(overload, "refused")),
        over(system, figure(overload, "refusal_p50_ms")),
        over(system, figure(overload, "refusal_p99_ms")),
        over(system, percent(overload, "failed")),
    )


def _latencies(system: SystemResult, run: RunOf) -> list[Spread | None]:
    return [over(system, figure(run, name)) for name in ("p50_ms", "p95_ms", "p99_ms")]


def _references(results: Results) -> str:
    after = {_variant(one): one.images_per_second for one in results.bare_after}
    rows = [
        (*_variant(one), one.images_per_second, after[_variant(one)]) for one in results.bare_before
    ]
    head = "Python threads", "torch threads", "images a call", "images/s before", "after"
    cost = results.generator
    note = (
        f"Against a server that does nothing the generator takes {cost.cpu_us:g} µs of a core a "
        f"request ({cost.cpu_share:.1%} at {cost.offered_per_second:g} requests/s, p50 "
        f"{cost.p50_ms} ms; 99 of 100 are sent at most {cost.late_p99_ms} ms late), and gets "
        f"{cost.closed_per_second:g} answers/s with 32 clients."
    )
    return table(head, rows) + f"\n\n{note}"


def _variant(one: Bare) -> tuple[int, int, int]:
    return one.threads, one.torch_threads, one.batch


def _systems(results: Results) -> str:
    rows = [(one.name, one.version, one.how) for one in results.systems]
    return table(("system", "version", "how"), rows)


if __name__ == "__main__":
    write(read(FOLDER / "serving.json"), FOLDER / "serving.md")
