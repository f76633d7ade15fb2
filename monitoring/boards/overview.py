"""Overview: is it well, who asks what, and where the time goes."""

from collections.abc import Sequence
from dataclasses import replace

from monitoring.boards.panels import Board, Panel, Query, Row, Variable
from monitoring.boards.queries import MODEL, mean, quantile, rate, share, total
from monitoring.boards.requests import ANSWERED, FAILED, OUTCOMES, REQUESTS, STAGES, TIMES

COUNTED = 'outcome=~"ok|overloaded|unavailable|deadline|error"'
BURN_STEPS = ((1, "yellow"), (6, "red"))
SHARE_STEPS = ((0.001, "yellow"), (0.01, "red"))


def stat(
    title: str,
    description: str,
    expr: str,
    unit: str = "short",
    steps: Sequence[tuple[float, str]] = (),
) -> Panel:
    """One number."""
    return Panel(title, description, [Query(expr)], unit, "stat", width=3, height=4, steps=steps)


def some(title: str, description: str, expr: str) -> Panel:
    """One number that should not be 0, nor missing."""
    panel = stat(title, description, f"{expr} or vector(0)", steps=((1, "green"),))
    return replace(panel, base="red")


STATUS = Row(
    "Is it well?",
    [
        stat(
            "Requests",
            "Predictions asked for, of any outcome.",
            total(f"{REQUESTS}_count", "", MODEL),
            "reqps",
        ),
        stat(
            "Failed in the last hour",
            "Of the requests that count for the availability objective. docs/slo.md",
            share(f"{REQUESTS}_count", "", FAILED, f"{MODEL}, {COUNTED}", "1h"),
            "percentunit",
            steps=SHARE_STEPS,
        ),
        stat(
            "p95",
            "Of the answers: 95 % took no longer.",
            quantile(0.95, REQUESTS, "", ANSWERED),
            "s",
            steps=((0.4096, "yellow"), (1, "red")),
        ),
        stat(
            "Greatest burn rate, 1 h",
            "Of all models and both objectives; over 1 the budget does not last 30 days.",
            f"max(model:slo_burn:1h{{{MODEL}}})",
            steps=BURN_STEPS,
        ),
        some(
            "Models",
            "That can be asked. docs/runbooks.md#noservablemodel",
            "min(fovea_models)",
        ),
        some(
            "Tritons that answer",
            "Of those the gateways name. docs/runbooks.md#tritonendpointdown",
            'count(max by (endpoint) (fovea_endpoint_health{health="up"}) == 1)',
        ),
        some(
            "Gateways",
            "That Prometheus reaches. docs/runbooks.md#gatewaydown",
            'sum(up{job="gateway"})',
        ),
        stat(
            "Alerts",
            "That fire now, pages and tickets. docs/runbooks.md tells what to do.",
            'count(ALERTS{alertstate="firing", severity=~"page|ticket"}) or vector(0)',
            steps=((1, "red"),),
        ),
    ],
)

REQUEST_ROW = Row(
    "Requests",
    [
        OUTCOMES,
        TIMES,
        Panel(
            "Problems",
            "What callers were told, on any path. docs/http-api.md#problems",
            [Query(total("fovea_problems_total", "problem"), "{{problem}}")],
            "reqps",
            stack="normal",
        ),
    ],
)

OBJECTIVES = Row(
    "Objectives",
    [
        Panel(
            "Burn rate: availability",
            "1 is what lasts 30 days. Pages from 14.4 over an hour or 6 over six hours. "
            "docs/runbooks.md#availabilitybudgetburnsfast",
            [
                Query(
                    f'max by (model) (model:slo_burn:{window}{{slo="availability", {MODEL}}})',
                    f"{{{{model}}}} {window}",
                )
                for window in ("1h", "6h", "3d")
            ],
            steps=BURN_STEPS,
            width=12,
        ),
        Panel(
            "Burn rate: latency",
            "Answers that take over 0.41 s spend it. docs/runbooks.md#latencybudgetburnsfast",
            [
                Query(
                    f'max by (model) (model:slo_burn:{window}{{slo="latency", {MODEL}}})',
                    f"{{{{model}}}} {window}",
                )
                for window in ("1h", "6h", "3d")
            ],
            steps=BURN_STEPS,
            width=12,
        ),
    ],
)

MODELS = Row(
    "Models",
    [
        Panel(
            "Requests",
            "By model; without a name are those that had none chosen.",
            [Query(total(f"{REQUESTS}_count", "model", MODEL), "{{model}}")],
            "reqps",
            width=6,
        ),
        Panel(
            "p95",
            "Of the answers.",
            [Query(quantile(0.95, REQUESTS, "model", ANSWERED), "{{model}}")],
            "s",
            width=6,
        ),
        Panel(
            "Share that failed",
            "5xx, of all that were not wrong themselves.",
            [
                Query(
                    share(f"{REQUESTS}_count", "model", FAILED, f"{MODEL}, {COUNTED}"), "{{model}}"
                )
            ],
            "percentunit",
            width=6,
            steps=SHARE_STEPS,
        ),
        Panel(
            "Refused a second",
            "Predictions refused because of overload; a fallback may have answered. "
            "docs/runbooks.md#requestsareshed",
            [Query(total("fovea_shed_total", "model", MODEL), "{{model}}")],
            "reqps",
            width=6,
        ),
    ],
)

WHERE_TIME_GOES = Row(
    "Where the time goes",
    [
        Panel(
            "Share of each stage",
            "Of the time of all requests; read is the upload. queue that grows is overload.",
            [Query(total(f"{STAGES}_sum", "stage", MODEL), "{{stage}}")],
            "s",
            stack="percent",
        ),
        Panel(
            "p95 by stage",
            "decode includes the wait for a thread. docs/runbooks.md#decodingisthebottleneck",
            [Query(quantile(0.95, STAGES, "stage", MODEL), "{{stage}}")],
            "s",
        ),
        Panel(
            "Images in a request",
            "Mean; over 1 where callers send batches.",
            [Query(mean("fovea_request_images", "model", MODEL), "{{model}}")],
        ),
    ],
)

LOAD = Row(
    "Load",
    [
        Panel(
            "Places taken",
            "Predictions that run, over those that may. docs/runbooks.md#modelsaturated",
            [
                Query(
                    f"sum by (model) (fovea_in_flight{{{MODEL}}}) / "
                    f"sum by (model) (fovea_in_flight_limit{{{MODEL}}})",
                    "{{model}}",
                )
            ],
            "percentunit",
            steps=((0.9, "red"),),
            top=1,
        ),
        Panel(
            "Places",
            "How many predictions may run at once, as the gateways have learned.",
            [Query(f"sum by (model) (fovea_in_flight_limit{{{MODEL}}})", "{{model}}")],
        ),
        Panel(
            "Present and waiting",
            "present: upload, wait or run. waiting: for a place at a model.",
            [
                Query("sum(fovea_present)", "present"),
                Query(f"sum(fovea_queued{{{MODEL}}})", "waiting"),
            ],
        ),
    ],
)

PROCESSES = Row(
    "Gateways",
    [
        Panel(
            "Processor",
            "Cores in use. There is no process_* with several workers.",
            [Query(rate("process_cpu_seconds_total", 'job="gateway"'), "{{instance}}")],
            width=6,
        ),
        Panel(
            "Memory",
            "Resident. docs/runbooks.md#gatewaymemorynearlimit",
            [
                Query('process_resident_memory_bytes{job="gateway"}', "{{instance}}"),
                Query("gateway:memory_limit:bytes", "limit"),
            ],
            "bytes",
            width=6,
        ),
        Panel(
            "Running for",
            "It falls to 0 at a restart. docs/runbooks.md#gatewayrestarts",
            [
                Query(
                    'time() - process_start_time_seconds{job="gateway"}',
                    "{{instance}}",
                )
            ],
            "s",
            width=6,
        ),
        Panel(
            "Builds",
            "What runs, and how many of it.",
            [Query("count by (version, commit, python) (fovea_build_info)")],
            kind="table",
            width=6,
        ),
    ],
)

BOARD = Board(
    "fovea-overview",
    "Fovea overview",
    "Is it well, who asks what, and where the time goes.",
    [STATUS, REQUEST_ROW, OBJECTIVES, MODELS, WHERE_TIME_GOES, LOAD, PROCESSES],
    [Variable("model", "model", "fovea_request_seconds_count")],
)
