"""Headers on every answer, names that are answered to, and pages that may ask."""

import asyncio
import re
import time

import httpx
import pytest
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service.metrics import Metrics
from service.middleware import Frame
from service.settings import Settings
from service.shield import HostCheck, Shield, accepted_hosts, protect

pytestmark = pytest.mark.anyio
PAGE = "https://page.example"


def app(**settings) -> FastAPI:
    made = FastAPIOffline()

    @made.post("/predict")
    async def predict() -> dict[str, str]:
        return {"label": "no_parking"}

    @made.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    protect(made, Settings(**settings))
    made.add_middleware(Frame, metrics=Metrics(1))
    made.add_middleware(Shield)
    return made


def client(**settings) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app(**settings))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/predict", 200), ("GET", "/nope", 404), ("PUT", "/predict", 405)],
)
async def test_no_answer_may_run_frame_be_embedded_or_be_kept(method, path, status) -> None:
    async with client() as http:
        response = await http.request(method, path)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-store"
    policy = response.headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


async def test_a_failure_of_ours_is_shielded_too() -> None:
    async with client() as http:
        response = await http.get("/broken")
    assert response.status_code == 500
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_the_documentation_may_load_what_it_needs_from_here_and_nothing_else() -> None:
    async with client() as http:
        for path in ("/docs", "/redoc"):
            page = await http.get(path)
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "http" not in policy
            sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
            assert sources
            assert all(source.startswith("/static-offline-docs/") for source in sources)
            for source in sources:
                assert (await http.get(source)).headers["x-content-type-options"] == "nosniff"
            assert ("<script>" in page.text) <= ("script-src 'self' 'unsafe-inline'" in policy)


@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("localhost:8080", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("[::1]:8080", True),
        ("192.0.2.7:80", True),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("[", False),
        ("", False),
    ],
)
async def test_on_a_loopback_address_only_its_names_are_answered_to(host: str, answers) -> None:
    async with client() as http:
        response = await http.post("/predict", headers={"host": host})
    assert response.status_code == (200 if answers else 421)
    if not answers:
        document = response.json()
        assert document["type"] == "urn:fovea:problem:unknown-host"
        assert document["field"] == "host"
        assert "FOVEA_ALLOWED_HOSTS" in document["remedy"]
        assert response.headers["x-request-id"] == document["request_id"]
        assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "allowed", "accepted"),
    [
        ("127.0.0.1", (), {b"localhost"}),
        ("127.0.0.1", ("Fovea.example",), {b"localhost", b"fovea.example"}),
        ("::1", (), {b"localhost"}),
        ("localhost", (), {b"localhost"}),
        ("127.0.0.1", ("*",), set()),
        ("0.0.0.0", (), set()),
        ("gateway", (), set()),
        ("0.0.0.0", ("fovea.example",), {b"fovea.example"}),
    ],
)
async def test_where_the_gateway_listens_decides_whether_names_matter(host, allowed, accepted):
    assert accepted_hosts(Settings(host=host, allowed_hosts=allowed)) == accepted


async def test_a_request_without_a_host_is_no_browsers() -> None:
    sent = []
    scope = {"type": "http", "path": "/", "headers": []}

    async def inner(scope, receive, send) -> None:
        sent.append(scope)

    await HostCheck(inner, frozenset({b"localhost"}))(scope, None, None)
    assert sent == [scope]


async def test_no_page_may_ask_by_default() -> None:
    async with client() as http:
        preflight = {"origin": PAGE, "access-control-request-method": "POST"}
        responses = [
            await http.options("/predict", headers=preflight),
            await http.post("/predict", headers={"origin": PAGE}),
        ]
    for response in responses:
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_pages_of_the_list_may_ask_with_a_key_and_read_the_answer() -> None:
    async with client(cors_origins=(PAGE,)) as http:
        preflight = {
            "origin": PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type",
        }
        allowed = await http.options("/predict", headers=preflight)
        other = await http.options("/predict", headers={**preflight, "origin": PAGE + ".evil"})
        response = await http.post("/predict", headers={"origin": PAGE})
    assert (allowed.status_code, other.status_code) == (200, 400)
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-origin" not in other.headers
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "Retry-After" in response.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize("name", ["FOVEA_CORS_ORIGINS", "FOVEA_ALLOWED_HOSTS"])
def test_lists_are_read_with_commas(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "https://a.example, https://b.example")
    listed = getattr(Settings.load(), name.removeprefix("FOVEA_").lower())
    assert listed == ("https://a.example", "https://b.example")


def test_a_request_costs_less_than_ten_microseconds() -> None:
    async def answer(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def drop(message) -> None:
        pass

    async def seconds(app) -> float:
        headers = [(b"accept", b"*/*"), (b"host", b"127.0.0.1:8080")]
        began = time.perf_counter()
        for _ in range(1000):
            await app({"type": "http", "path": "/predict", "headers": headers}, None, drop)
        return (time.perf_counter() - began) / 1000

    async def best(app) -> float:
        return min([await seconds(app) for _ in range(20)])

    shielded = Shield(HostCheck(answer, frozenset({b"localhost"})))
    assert asyncio.run(best(shielded)) - asyncio.run(best(answer)) < 10e-6
