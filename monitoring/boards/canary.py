"""Canaries and shadows: who answers by which route, and what candidates are good for."""

from monitoring.boards.panels import Board, Panel, Query, Row, Variable
from monitoring.boards.queries import mean, quantile, ratio, share, total

ROUTE, SHADOW = 'route=~"$route"', 'shadow=~"$shadow"'
FAILED = 'outcome=~"overloaded|unavailable|deadline|error"'
COUNTED = 'outcome=~"ok|overloaded|unavailable|deadline|error"'
TARGETS = "model, version"
HOUR = "1h"  # candidates see few images: a shorter window jumps

ROUTES = Row(
    "Routes",
    [
        Panel(
            "Share of each target",
            "Of the images of the chosen routes; against the weights of the routing file.",
            [
                Query(
                    f"{total('fovea_routed_total', f'route, {TARGETS}', ROUTE)}"
                    " / ignoring (model, version) group_left () "
                    f"({total('fovea_routed_total', 'route', ROUTE)} > 0)",
                    "{{route}}: {{model}} {{version}}",
                )
            ],
            "percentunit",
            top=1,
        ),
        Panel(
            "Rules",
            "What choices rest on. docs/routing.md",
            [Query(total("fovea_routed_total", "rule"), "{{rule}}")],
            "ops",
            stack="normal",
        ),
        Panel(
            "Fallbacks",
            "Images that went on to a fallback, by the reason. docs/runbooks.md#fallbacksinuse",
            [
                Query(
                    total("fovea_fallbacks_total", "model, to, reason"),
                    "{{model}} to {{to}}: {{reason}}",
                )
            ],
            "ops",
        ),
        Panel(
            "Share that failed",
            "By target, on any route: a canary beside what it shall replace.",
            [
                Query(
                    share("fovea_request_seconds_count", TARGETS, FAILED, COUNTED),
                    "{{model}} {{version}}",
                )
            ],
            "percentunit",
            steps=((0.001, "yellow"), (0.01, "red")),
        ),
        Panel(
            "p95",
            "By target.",
            [
                Query(
                    quantile(0.95, "fovea_request_seconds", TARGETS, 'outcome="ok"'),
                    "{{model}} {{version}}",
                )
            ],
            "s",
        ),
        Panel(
            "Best score, mean",
            "By target: a canary that is less sure of the same traffic.",
            [Query(mean("fovea_top_score", TARGETS, "", HOUR), "{{model}} {{version}}")],
            "percentunit",
            top=1,
        ),
    ],
)

SHADOWS = Row(
    "Shadows",
    [
        Panel(
            "Verdicts",
            "On each candidate, by its route. docs/runbooks.md#shadowrejected",
            [Query(f"max by (shadow, verdict) (fovea_shadow_verdict{{{SHADOW}}}) == 1")],
            kind="table",
        ),
        Panel(
            "Agreement",
            "Share of equal best labels; the mean F1 of boxes. docs/runbooks.md#shadowdisagrees",
            [Query(mean("fovea_shadow_agreement", "shadow", SHADOW, HOUR), "{{shadow}}")],
            "percentunit",
            top=1,
        ),
        Panel(
            "Images compared",
            "By whether the candidate agreed.",
            [
                Query(
                    total("fovea_shadow_compared_total", "shadow, agrees", SHADOW),
                    "{{shadow}}: {{agrees}}",
                )
            ],
            "ops",
        ),
        Panel(
            "Distance of the scores",
            "Total variation between the two score vectors, 0 to 1.",
            [
                Query(
                    quantile(q, "fovea_shadow_distance", "shadow", SHADOW, HOUR),
                    f"{{{{shadow}}}} p{q * 100:.0f}",
                )
                for q in (0.5, 0.9)
            ],
        ),
        Panel(
            "Overlap of the boxes",
            "IoU of those that both found.",
            [
                Query(
                    quantile(q, "fovea_shadow_iou", "shadow", SHADOW, HOUR),
                    f"{{{{shadow}}}} p{q * 100:.0f}",
                )
                for q in (0.1, 0.5)
            ],
        ),
        Panel(
            "Boxes that one alone found",
            "An image: missed by the candidate, or found by it alone.",
            [
                Query(
                    ratio(
                        total(f"fovea_shadow_{kind}_boxes_total", "shadow", SHADOW, HOUR),
                        total("fovea_shadow_compared_total", "shadow", SHADOW, HOUR),
                    ),
                    f"{{{{shadow}}}} {kind}",
                )
                for kind in ("missed", "extra")
            ],
        ),
        Panel(
            "Failures",
            "Images that a candidate could not answer.",
            [
                Query(
                    total("fovea_shadow_failures_total", "shadow, problem", SHADOW),
                    "{{shadow}}: {{problem}}",
                )
            ],
            "ops",
        ),
        Panel(
            "Not shown",
            "Images that were to be mirrored and were not, by the cause. docs/shadow.md",
            [
                Query(
                    total("fovea_shadow_dropped_total", "shadow, cause", SHADOW),
                    "{{shadow}}: {{cause}}",
                )
            ],
            "ops",
        ),
    ],
)

CACHE = Row(
    "Response cache",
    [
        Panel(
            "Found",
            "Share of images whose answer was there, or just being computed. "
            "docs/runbooks.md#cacheuseless",
            [Query(share("fovea_cache_total", "model", 'result!="miss"'), "{{model}}")],
            "percentunit",
            top=1,
        ),
        Panel(
            "Memory",
            "As it is reckoned; FOVEA_CACHE_BYTES is the limit.",
            [Query("sum(fovea_cache_bytes)", "bytes")],
            "bytes",
        ),
        Panel("Answers", "That the cache holds.", [Query("sum(fovea_cache_entries)", "answers")]),
    ],
)

BOARD = Board(
    "fovea-canary",
    "Fovea: canaries and shadows",
    "Who answers by which route, and what candidates are good for.",
    [ROUTES, SHADOWS, CACHE],
    [
        Variable("route", "route", "fovea_routed_total"),
        Variable("shadow", "shadow", "fovea_shadow_verdict"),
    ],
)
