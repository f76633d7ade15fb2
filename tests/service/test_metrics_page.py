"""docs/metrics.md against the code: every series, its labels, and what they may say."""

import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.recipe import Task
from service.cache import Cache
from service.catalog import Catalog
from service.decision import Cached, PassedOver, Reason, Routing, Rule
from service.errors import InferenceFailed
from service.limiter import Limiters
from service.looks import Looks
from service.metrics import Metrics
from service.pool import Pool
from service.predicting import Predicting
from service.shadow.agreement import Agreement
from service.shadow.verdict import Kind
from service.shadow.watcher import Cause
from service.trace import Outcome, Stage, Trace
from service.triton.breaker import State
from service.triton.endpoint import Health
from service.triton.translate import Fault
from tests.fakes import FakeBackend

PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
ROW = re.compile(r"^\| `(fovea_\w+)` \| (\w+) \| (.*?) \| .+? \| `(.+)` \|$", re.MULTILINE)
LOOKS = Looks("JPEG", 1000, 64, 48, 0.5)
INNER = Mock(spec=Predicting)  # never asked here
BOXES = Agreement(
    task=Task.DETECTION, agrees=True, share=1, distance=0.1, iou=0.9, matched=1, missed=0, extra=0
)


def every_series() -> dict[str, tuple[str, set[str]]]:
    """Type and labels by name, of all that a gateway may ever show."""
    metrics, limiters = Metrics(10), Limiters(8, 0.1, 0.25)
    limiters.of("signs")
    metrics.watch_limiters(limiters)
    trace = Trace("me", model="signs", version="1", looks=LOOKS, top_score=1, detections=1)
    trace.routing = Routing(
        Rule.ALIAS, "best", passed_over=[PassedOver("big", "1", Reason.SLOW)], cache=Cached.MISS
    )
    trace.enter(Stage.DECODE)
    trace.end()
    InferenceFailed("").record(trace)
    metrics.observe(trace, 1)
    metrics.count_problems(trace)
    watcher = metrics.triton
    watcher.retried("gone")
    watcher.retry_refused("gone")
    watcher.tried_out("a:1", "signs", "ok")
    watcher.endpoint_changed("a:1", "up")
    watcher.breaker_changed("a:1", "signs", "open")
    shadows = metrics.shadows
    shadows.compared("best", BOXES)
    shadows.failed("best", "model-broken")
    shadows.dropped("best", Cause.FULL)
    shadows.verdict("best", "hold")
    catalog = Catalog(FakeBackend(), [Task.CLASSIFICATION])
    metrics.watch_cache(Cache(INNER, 1000, catalog, Pool(1, 1000)))
    metrics.sample()
    series = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        name = family.name + "_total" * (family.type == "counter")
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        series[name] = (family.type, labels)
    return {name: kind for name, kind in series.items() if name.startswith("fovea_")}


def test_the_page_lists_exactly_the_series_there_are() -> None:
    listed = {
        name: (kind, set(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _ in ROW.findall(PAGE)
    }
    assert listed == every_series()


@pytest.mark.parametrize("row", ROW.findall(PAGE), ids=lambda row: row[0])
def test_the_page_shows_a_query_for_each(row: tuple[str, str, str, str]) -> None:
    name, kind, _, query = row
    suffix = "_(bucket|sum|count)" if kind == "histogram" else ""
    assert re.search(rf"\b{name}{suffix}\b", query)
    assert query.count("(") == query.count(")")
    assert ("rate(" in query or "increase(" in query) == (kind != "gauge")


@pytest.mark.parametrize(
    "closed_set", [Outcome, Stage, Fault, Health, State, Rule, Reason, Cached, Cause, Kind]
)
def test_the_page_lists_what_labels_may_say(closed_set: type) -> None:
    for word in closed_set:
        assert f"`{word}`" in PAGE
