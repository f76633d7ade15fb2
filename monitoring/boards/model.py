"""One model: how it answers, how Triton runs it, and what it is shown."""

from monitoring.boards.panels import Board, Panel, Query, Row, Variable
from monitoring.boards.queries import MODEL, mean, percentiles, quantile, rate, ratio, share, total
from monitoring.boards.requests import ANSWERED, FAILED, OUTCOMES, REQUESTS, STAGES, TIMES

STEPS = ("read", "queue", "decode", "preprocess", "infer", "postprocess", "draw")
DAY = "1h"  # a window for what images are like: wide enough for a smooth line
WEEK = " offset 1w"


def looks(title: str, description: str, series: str, unit: str = "short") -> Panel:
    """The median now, and a week ago."""
    now = quantile(0.5, series, "", MODEL, DAY)
    queries = [Query(now, "now"), Query(now.replace(f"[{DAY}]", f"[{DAY}]{WEEK}"), "a week ago")]
    return Panel(title, description, queries, unit, width=6)


def triton_time(step: str, series: str) -> Query:
    """Mean time of one step inside Triton, from microseconds."""
    spent = total(f"nv_inference_{series}_duration_us", "", MODEL)
    return Query(f"{ratio(spent, total('nv_inference_request_success', '', MODEL))} / 1e6", step)


ANSWERING = Row(
    "Answers",
    [
        OUTCOMES,
        TIMES,
        Panel(
            "p95 by version",
            "A new version beside the old one.",
            [Query(quantile(0.95, REQUESTS, "version", ANSWERED), "version {{version}}")],
            "s",
        ),
        Panel(
            "Failed and refused",
            "failed: 5xx, of all requests. refused: predictions because of overload, for each "
            "request; a fallback may have answered. docs/runbooks.md#requestsareshed",
            [
                Query(share(f"{REQUESTS}_count", "", FAILED, MODEL), "failed"),
                Query(
                    ratio(
                        total("fovea_shed_total", "", MODEL),
                        total(f"{REQUESTS}_count", "", MODEL),
                    ),
                    "refused",
                ),
            ],
            "percentunit",
        ),
        Panel(
            "Images in a request",
            "Over 1 where callers send batches.",
            [
                Query(mean("fovea_request_images", "", MODEL), "mean"),
                Query(quantile(0.95, "fovea_request_images", "", MODEL), "p95"),
            ],
        ),
        Panel(
            "Places and queue",
            "Predictions that run, that may run, and that wait. docs/runbooks.md#modelsaturated",
            [
                Query(f"sum(fovea_in_flight{{{MODEL}}})", "run"),
                Query(f"sum(fovea_in_flight_limit{{{MODEL}}})", "may run"),
                Query(f"sum(fovea_queued{{{MODEL}}})", "wait"),
            ],
        ),
    ],
)

STAGE_ROW = Row(
    "Stages",
    [
        Panel(
            "Share of each stage",
            "Of the time of all requests.",
            [Query(total(f"{STAGES}_sum", "stage", MODEL), "{{stage}}")],
            "s",
            stack="percent",
            width=12,
        ),
        Panel(
            "Share of the queue",
            "Of the time of requests, without the upload. docs/runbooks.md#requestsqueue",
            [
                Query(
                    share(f"{STAGES}_sum", "model", 'stage="queue"', f'{MODEL}, stage!="read"'),
                    "{{model}}",
                )
            ],
            "percentunit",
            width=12,
            steps=((0.3, "red"),),
        ),
        *(
            Panel(
                step,
                f"Time of the stage {step}, for each image.",
                percentiles(STAGES, f'{MODEL}, stage="{step}"'),
                "s",
                width=6,
            )
            for step in STEPS
        ),
    ],
)

TRITON = Row(
    "In Triton",
    [
        Panel(
            "Images in a batch",
            "Mean, as Triton joins requests: images over executions.",
            [
                Query(
                    ratio(
                        total("nv_inference_count", "model, version", MODEL),
                        total("nv_inference_exec_count", "model, version", MODEL),
                    ),
                    "{{model}} {{version}}",
                )
            ],
        ),
        Panel(
            "Time of a request",
            "Mean by step; in a batch each is charged the whole batch's time.",
            [
                triton_time("queue", "queue"),
                triton_time("input", "compute_input"),
                triton_time("infer", "compute_infer"),
                triton_time("output", "compute_output"),
            ],
            "s",
            stack="normal",
        ),
        Panel(
            "Waiting",
            "Requests that wait to be executed. docs/runbooks.md#tritonqueuegrows",
            [Query(f"sum by (model) (nv_inference_pending_request_count{{{MODEL}}})", "{{model}}")],
        ),
    ],
)

LOOKS = Row(
    "What it is shown, and how sure it is",
    [
        looks("Brightness, median", "Of the model's input, 0 to 1.", "fovea_image_brightness"),
        looks("Megapixels, median", "Of the upright image.", "fovea_image_megapixels"),
        looks("Width over height, median", "Of the image.", "fovea_image_aspect_ratio"),
        looks("Best score, median", "Of the best label or object.", "fovea_top_score"),
        Panel(
            "Moved since last week",
            "The greatest gap between the distributions of six hours and of the same hours a week "
            "ago (Kolmogorov-Smirnov). docs/runbooks.md#inputsdrift",
            [Query(f"max by (of) (model:drift:distance{{{MODEL}}})", "{{of}}")],
            "percentunit",
            width=6,
            steps=((0.2, "red"),),
            top=1,
        ),
        Panel(
            "Unsure",
            "Images whose best score is no more than 0.5.",
            [
                Query(
                    ratio(
                        total("fovea_top_score_bucket", "version", f'{MODEL}, le="0.5"', DAY),
                        total("fovea_top_score_count", "version", MODEL, DAY),
                    ),
                    "version {{version}}",
                )
            ],
            "percentunit",
            width=6,
        ),
        Panel(
            "Formats",
            "By what the bytes are, whatever the name says.",
            [Query(f"sum by (format) ({rate('fovea_image_formats_total', MODEL)})", "{{format}}")],
            "reqps",
            stack="percent",
            width=6,
        ),
        Panel(
            "Objects in an image",
            "Of a detector: the mean, and images on which it found nothing.",
            [
                Query(mean("fovea_detections", "", MODEL, DAY), "mean"),
                Query(
                    ratio(
                        total("fovea_detections_bucket", "", f'{MODEL}, le="0.0"', DAY),
                        total("fovea_detections_count", "", MODEL, DAY),
                    ),
                    "share without any",
                ),
            ],
            width=6,
        ),
    ],
)

BOARD = Board(
    "fovea-model",
    "Fovea: one model",
    "How a model answers, how Triton runs it, and what it is shown.",
    [ANSWERING, STAGE_ROW, TRITON, LOOKS],
    [Variable("model", "model", "fovea_request_seconds_count", several=False)],
)
