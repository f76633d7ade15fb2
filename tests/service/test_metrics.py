"""The series, their buckets, and labels that callers cannot invent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.metrics import buckets
from tests.service.client import gateway, predict

anyio = pytest.mark.anyio


@given(st.floats(0.001, 3600))
def test_the_slowest_legal_request_lands_in_a_bucket(timeout_seconds: float) -> None:
    edges = buckets(timeout_seconds)
    assert edges == sorted(set(edges))
    assert edges[0] <= 0.001
    assert timeout_seconds in edges
    assert edges[-1] > timeout_seconds


@anyio
async def test_a_prediction_is_counted_by_stage_and_outcome() -> None:
    async with gateway() as client:
        await predict(client)
        text = (await client.get("/metrics")).text
    for stage in ("read", "decode", "preprocess", "infer", "postprocess"):
        assert f'fovea_stage_seconds_count{{model="signs",stage="{stage}"}} 1.0' in text
    assert 'fovea_request_seconds_count{model="signs",outcome="ok",version="1"} 1.0' in text
    assert "fovea_models 1.0" in text
    assert "fovea_in_flight 0.0" in text


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
    counted = 'fovea_request_seconds_count{model="",outcome="client_error",version=""} 3.0'
    assert counted in text


@anyio
async def test_probes_and_scrapes_are_no_predictions() -> None:
    async with gateway() as client:
        for path in ("/healthz", "/readyz", "/metrics", "/models"):
            await client.get(path)
        text = (await client.get("/metrics")).text
    assert "fovea_request_seconds_count" not in text


@anyio
async def test_two_apps_in_one_process_count_for_themselves() -> None:
    async with gateway() as one, gateway() as other:
        await predict(one)
        assert "fovea_request_seconds_count" not in (await other.get("/metrics")).text
