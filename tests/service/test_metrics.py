"""The series, their buckets, and labels that callers cannot invent."""

import asyncio
import math
import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.backend import Sample
from service.catalog import Catalog
from service.errors import Overloaded
from service.limiter import Limiters
from service.looks import Looks
from service.metrics import Metrics, buckets
from service.values import Deadline
from tests.fakes import FakeBackend
from tests.images import jpeg
from tests.service.client import gateway, predict
from tests.service.scraping import scraped, shown
from tests.service.scripted_triton import Script, connected
from tests.service.triton.asking import infer

anyio = pytest.mark.anyio
PAGE = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
ROW = re.compile(r"^\| `(fovea_\w+)` \| (\w+) \| (.*?) \| .+? \| `(.+)` \|$", re.MULTILINE)
BLANK = np.zeros((1, 2, 2, 3), np.uint8)
SAMPLE = Sample({"INPUT__0": BLANK}, ["OUTPUT__0"])
LOOKS = Looks("JPEG", 1000, 64, 48, 0.5)


def rendered(metrics: Metrics) -> dict[str, float]:
    metrics.sample()
    return shown(metrics.render()[0].decode())


@given(st.floats(0.001, 3600))
def test_the_slowest_legal_request_lands_in_a_bucket(timeout_seconds: float) -> None:
    edges = buckets(timeout_seconds)
    assert edges == sorted(set(edges))
    assert edges[0] <= 0.001
    assert timeout_seconds in edges
    assert edges[-1] > timeout_seconds


@anyio
async def test_a_prediction_is_counted_by_stage_version_and_outcome() -> None:
    async with gateway() as client:
        await predict(client)
        samples = await scraped(client)
    labels = 'model="signs",outcome="ok"'
    for stage in ("read", "decode", "preprocess", "infer", "postprocess"):
        assert samples[f'fovea_stage_seconds_count{{{labels},stage="{stage}",version="1"}}'] == 1
    assert samples[f'fovea_request_seconds_count{{{labels},version="1"}}'] == 1
    assert samples["fovea_models"] == 1


@anyio
async def test_words_of_the_caller_never_become_labels() -> None:
    async with gateway() as client:
        await predict(client, model="evil")
        await predict(client, model="signs", version="666")
        await predict(client, modle="evil")
        await client.get("/evil")
        text = (await client.get("/metrics")).text
    assert "evil" not in text
    assert "666" not in text
    counted = 'fovea_request_seconds_count{model="",outcome="client_error",version=""}'
    assert shown(text)[counted] == 3


@anyio
async def test_probes_and_scrapes_are_no_predictions() -> None:
    async with gateway() as client:
        for path in ("/healthz", "/readyz", "/metrics", "/models"):
            await client.get(path)
        assert "fovea_request_seconds_count" not in (await client.get("/metrics")).text


@anyio
async def test_two_apps_in_one_process_count_for_themselves() -> None:
    async with gateway() as one, gateway() as other:
        await predict(one)
        assert "fovea_request_seconds_count" not in (await other.get("/metrics")).text


def timings_of(response: httpx.Response) -> Iterator[dict[str, float]]:
    """Of the request, by its header, and of each image of a batch."""
    entries = (entry.split(";dur=") for entry in response.headers["server-timing"].split(", "))
    yield {stage: float(spent) for stage, spent in entries}
    for item in response.json().get("results", []):
        yield item["answer"]["timings_ms"]


@anyio
async def test_answers_and_series_tell_the_same_times() -> None:
    async with gateway(FakeBackend(delay_seconds=0.01)) as client:
        files = [("file", (f"{i}.jpg", jpeg())) for i in range(3)]
        responses = [await predict(client) for _ in range(3)]
        responses.append(await client.post("/predict", files=files))
        samples = await scraped(client)
    told = [timings for response in responses for timings in timings_of(response)]
    labels = 'model="signs",outcome="ok"'
    for stage in ("read", "decode", "preprocess", "infer", "postprocess"):
        spent = [timings[stage] for timings in told if stage in timings]
        series = f'{{{labels},stage="{stage}",version="1"}}'
        assert samples[f"fovea_stage_seconds_count{series}"] == len(spent)
        seconds = samples[f"fovea_stage_seconds_sum{series}"]
        assert seconds * 1000 == pytest.approx(sum(spent), abs=0.0005 * len(spent))
    totals = sum(next(timings_of(response))["total"] for response in responses)
    # The answer cannot tell how long it takes to send it.
    whole = samples[f'fovea_request_seconds_sum{{{labels},version="1"}}'] * 1000
    assert totals <= whole < totals + 1000


@anyio
async def test_each_image_of_a_batch_is_counted_with_its_own_outcome() -> None:
    files = [("file", ("a.jpg", jpeg())), ("file", ("b.jpg", b"no image"))]
    async with gateway() as client:
        await client.post("/predict", files=files)
        samples = await scraped(client)
    decoded = 'fovea_stage_seconds_count{{model="signs",outcome="{}",stage="decode",version="{}"}}'
    assert samples[decoded.format("ok", "1")] == 1
    assert samples[decoded.format("client_error", "")] == 1
    assert samples['fovea_problems_total{problem="unreadable-image"}'] == 1
    assert samples['fovea_request_images_bucket{le="1.0",model="signs"}'] == 0
    assert samples['fovea_request_images_bucket{le="2.0",model="signs"}'] == 1


@anyio
async def test_problems_are_counted_by_type_wherever_they_are_told() -> None:
    async with gateway() as client:
        await predict(client, model="nope")
        await client.get("/models/nope")
        await client.post("/models/signs/load")
        samples = await scraped(client)
    assert samples['fovea_problems_total{problem="unknown-model"}'] == 2
    assert samples['fovea_problems_total{problem="model-control-off"}'] == 1


@anyio
async def test_load_is_shown_by_model_as_of_the_scrape() -> None:
    metrics, limiters = Metrics(10), Limiters(8, 0.1, 0.25)
    metrics.watch_limiters(limiters)
    with limiters.enter("signs") as limiter:
        async with limiter.admit(Deadline.after(10)):
            waiting = asyncio.create_task(limiter.admit(Deadline.after(10)).__aenter__())
            await asyncio.sleep(0)
            busy = rendered(metrics)
        await waiting
    with pytest.raises(Overloaded):
        raise limiter.overloaded("full")
    shed = rendered(metrics)
    assert busy["fovea_present"] == 1
    assert busy['fovea_in_flight{model="signs"}'] == 1
    assert busy['fovea_queued{model="signs"}'] == 1
    assert busy['fovea_in_flight_limit{model="signs"}'] == 1
    assert shed["fovea_present"] == 0
    assert shed['fovea_shed_total{model="signs"}'] == 1
    assert rendered(metrics)['fovea_shed_total{model="signs"}'] == 1


@anyio
async def test_the_catalogue_grows_old_when_triton_does_not_answer() -> None:
    metrics, catalog = Metrics(10), Catalog(FakeBackend(), ["classification"])
    metrics.watch_catalog(catalog)
    assert rendered(metrics)["fovea_catalog_age_seconds"] == math.inf
    await catalog.refresh()
    assert rendered(metrics)["fovea_catalog_age_seconds"] < 5
    assert rendered(metrics)["fovea_models"] == 1


@anyio
async def test_retries_and_breakers_of_triton_are_counted() -> None:
    metrics = Metrics(10)
    bad = Script(infer_code=grpc.StatusCode.INTERNAL, text="Stub process is not healthy.")
    async with connected(bad, Script(), watcher=metrics.triton) as backend:
        await backend.index()
        for _ in range(20):
            await infer(backend)
        bad_one, good_one = (one.address for one in backend._endpoints)
        backend._endpoints[0].breaker("signs").convict()
    samples = rendered(metrics)
    assert samples['fovea_retries_total{fault="broken"}'] == len(bad.inferences)
    for address in (bad_one, good_one):
        assert samples[f'fovea_endpoint_health{{endpoint="{address}",health="up"}}'] == 1
    breaker = f'fovea_breaker_state{{endpoint="{bad_one}",model="signs",state='
    assert samples[breaker + '"open"}'] == 1
    assert samples.get(breaker + '"suspect"}', 0) == 0


@anyio
async def test_canaries_are_counted_by_their_result() -> None:
    metrics, script = Metrics(10), Script()
    async with connected(script, watcher=metrics.triton) as backend:
        endpoint = backend._endpoints[0]
        for code in (None, grpc.StatusCode.INTERNAL):
            script.infer_code = code
            await endpoint.try_out("signs", SAMPLE, 5)
    samples = rendered(metrics)
    for result in ("ok", "broken"):
        labels = f'endpoint="{endpoint.address}",model="signs",result="{result}"'
        assert samples[f"fovea_canaries_total{{{labels}}}"] == 1


@anyio
async def test_a_recorded_request_leaves_its_trace_in_its_bucket() -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with gateway() as client:
        await predict(client)
        assert "# {" not in (await client.get("/metrics", headers=accept)).text
        client.headers["traceparent"] = parent
        await predict(client)
        response = await client.get("/metrics", headers=accept)
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert '# {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"}' in response.text
    assert response.text.endswith("# EOF\n")
