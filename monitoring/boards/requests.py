"""What the boards of all models and of one model both show of requests."""

from monitoring.boards.panels import Panel, Query
from monitoring.boards.queries import MODEL, percentiles, total

REQUESTS, STAGES = "fovea_request_seconds", "fovea_stage_seconds"
ANSWERED = f'{MODEL}, outcome="ok"'
FAILED = 'outcome=~"overloaded|unavailable|deadline|error"'

OUTCOMES = Panel(
    "Requests by outcome",
    "client_error is 4xx, cancelled a caller that left.",
    [Query(total(f"{REQUESTS}_count", "outcome", MODEL), "{{outcome}}")],
    "reqps",
    stack="normal",
)
TIMES = Panel(
    "Time of an answer",
    "From the request's headers to the end of the answer, upload included.",
    percentiles(REQUESTS, ANSWERED),
    "s",
    steps=((0.4096, "red"),),
)
