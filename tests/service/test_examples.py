"""The examples of the OpenAPI document are what the gateway answers, word by word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service import errors
from service.examples.names import CLASSIFIER, DETECTOR
from service.keys import Scope, generate
from service.triton.translate import Refusal, translate
from tests.fakes import FakeBackend, FakeModel
from tests.images import claims_to_be_huge, jpeg
from tests.service import detector
from tests.service.client import JPEG, gateway
from tests.service.openapi import COMPONENTS, OPERATIONS, PROBLEM

pytestmark = pytest.mark.anyio
CONTROL = {"model_control": True}
HUGE = {"content-length": "30000000"} | JPEG


async def _late() -> AsyncIterator[bytes]:
    await asyncio.sleep(0.1)
    yield b""


def backend(**changes: Any) -> FakeBackend:
    return FakeBackend({CLASSIFIER: FakeModel(), DETECTOR: detector.model()}, **changes)


def refused(status: str, text: str) -> FakeBackend:
    return backend(failure=translate(Refusal(status, text)))


def unloaded() -> FakeBackend:
    return FakeBackend({CLASSIFIER: FakeModel(versions=())})


IMAGE = {"content": jpeg(), "headers": JPEG, "params": {"model": CLASSIFIER}}


def predict(**changes: Any) -> dict[str, Any]:
    """A request that goes well, but for the changes."""
    return IMAGE | changes


def asking(**query: Any) -> dict[str, Any]:
    return predict(params={"model": CLASSIFIER} | query)


CASES = [
    ("predict", errors.UnknownParameter, asking(topk=1), backend(), {}),
    ("predict", errors.ModelNotNamed, predict(params={}), backend(), {}),
    (
        "predict",
        errors.MalformedUpload,
        {"files": {"other": (None, b"x")}, "params": {"model": CLASSIFIER}},
        backend(),
        {},
    ),
    ("predict", errors.UnknownModel, asking(model="mbv2"), backend(), {}),
    ("predict", errors.UnknownVersion, asking(version="7"), backend(), {}),
    ("predict", errors.BodyTimeout, asking(timeout_ms=1) | {"content": _late()}, backend(), {}),
    (
        "predict",
        errors.ModelNotServable,
        asking(model="resnet"),
        FakeBackend({"resnet": FakeModel(recipe=None)}),
        {},
    ),
    ("predict", errors.BodyTooLarge, predict(headers=HUGE), backend(), {}),
    ("predict", errors.ImageTooLarge, predict(content=claims_to_be_huge()), backend(), {}),
    (
        "predict",
        errors.TooManyImages,
        {"json": {"images": [""] * 33}, "params": {"model": CLASSIFIER}},
        backend(),
        {},
    ),
    (
        "predict",
        errors.UnsupportedMediaType,
        predict(headers={"content-type": "text/plain"}),
        backend(),
        {},
    ),
    ("predict", errors.UnknownHost, predict(headers={"host": "evil.example"}), backend(), {}),
    ("predict", errors.InvalidParameter, asking(top_k=0), backend(), {}),
    ("predict", errors.UnreadableImage, predict(content=b"no image"), backend(), {}),
    ("predict", errors.InternalError, IMAGE, backend(failure=RuntimeError()), {}),
    ("predict", errors.InferenceFailed, IMAGE, refused("INTERNAL", ""), {}),
    (
        "predict",
        errors.UnexpectedOutput,
        IMAGE,
        backend(output=np.full((1, 6), np.nan, np.float32)),
        {},
    ),
    ("predict", errors.QueueFull, IMAGE, refused("UNAVAILABLE", "timeout expired"), {}),
    ("predict", errors.BackendUnavailable, IMAGE, refused("UNAVAILABLE", ""), {}),
    ("predict", errors.ModelNotReady, IMAGE, unloaded(), {}),
    (
        "predict_as_torchserve",
        errors.UnknownModel,
        {},
        FakeBackend({DETECTOR: detector.model()}),
        {},
    ),
    (
        "put_as_torchserve",
        errors.TooManyImages,
        {"files": [("data", jpeg()), ("data", jpeg())]},
        backend(),
        {},
    ),
    ("put_as_torchserve", errors.UnreadableImage, {"content": b"no image"}, backend(), {}),
    ("predict_version_as_torchserve", errors.UnknownVersion, {}, backend(), {}),
    ("put_version_as_torchserve", errors.UnknownParameter, {"params": {"topk": 1}}, backend(), {}),
    ("get_model", errors.UnknownModel, {}, FakeBackend({DETECTOR: detector.model()}), {}),
    ("is_ready", errors.NotReady, {}, unloaded(), {"required_models": (CLASSIFIER,)}),
    ("load_model", errors.ModelControlOff, {}, backend(), {}),
    (
        "load_model",
        errors.ForeignOrigin,
        {"headers": {"origin": "https://evil.example"}},
        backend(),
        CONTROL,
    ),
    ("load_model", errors.LoadFailed, {}, backend(), CONTROL),
    (
        "load_model",
        errors.LoadTimeout,
        {},
        backend(load_seconds=1),
        CONTROL | {"load_timeout_seconds": 0.05},
    ),
    ("unload_model", errors.ModelNotLoaded, {}, unloaded(), CONTROL),
]


@pytest.mark.parametrize(
    ("name", "kind", "request_", "triton", "settings"),
    CASES,
    ids=[f"{name}-{kind.code()}" for name, kind, *_ in CASES],
)
async def test_an_example_is_what_the_gateway_answers(
    name: str,
    kind: type[errors.GatewayError],
    request_: dict[str, Any],
    triton: FakeBackend,
    settings: dict[str, Any],
) -> None:
    async with gateway(triton, **settings) as client:
        check(name, kind, await ask(client, name, **request_))


async def ask(client: httpx.AsyncClient, name: str, **request: Any) -> httpx.Response:
    method, path, _ = OPERATIONS[name]
    return await client.request(
        method, path.format(name=CLASSIFIER, number=1, model=CLASSIFIER, version="7"), **request
    )


def check(name: str, kind: type[errors.GatewayError], response: httpx.Response) -> None:
    described = OPERATIONS[name][2]["responses"][str(response.status_code)]
    example = described["content"][PROBLEM]["examples"][kind.code()]["value"]
    assert response.json() == example | {"request_id": response.headers["x-request-id"]}
    check_headers(described, response)


def check_headers(described: dict[str, Any], response: httpx.Response) -> None:
    """Those that must be there are, and of those that are described somewhere, no others."""
    headers = {
        header.lower(): COMPONENTS["headers"][header] if "$ref" in told else told
        for header, told in described["headers"].items()
    }
    assert {header for header, told in headers.items() if told.get("required")} <= set(
        response.headers
    )
    of_interest = {header.lower() for header in COMPONENTS["headers"]}
    assert set(response.headers) & of_interest <= set(headers)


async def test_refusals_of_callers_are_what_the_examples_say(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    admin, line = generate("phone", [Scope.ADMIN])
    phone, other = generate("phone", [Scope.PREDICT])
    file.write_text(f"{line}\n{other}\n")
    file.chmod(0o600)
    async with gateway(backend(), api_keys_file=file, **CONTROL) as client:
        for name, (*_, operation) in OPERATIONS.items():
            if "security" in operation:
                check(name, errors.Unauthenticated, await ask(client, name))
            else:
                assert (await ask(client, name)).status_code == 200
        check("predict", errors.Forbidden, await ask(client, "predict", headers=bearer(admin)))
        for name in ("load_model", "unload_model"):
            check(name, errors.Forbidden, await ask(client, name, headers={"x-api-key": phone}))


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def test_one_who_asks_too_often_gets_the_headers_that_are_described() -> None:
    async with gateway(backend(), rate_per_second=2) as client:
        for _ in range(21):
            response = await ask(client, "predict", params={"topk": 1})
    check("predict", errors.RateLimited, response)


async def test_numbers_that_differ_each_time_are_those_of_the_examples() -> None:
    async with gateway(backend(delay_seconds=0.3), max_in_flight=1) as client:
        late, refused = await asyncio.gather(
            ask(client, "predict", **asking(timeout_ms=100)), ask(client, "predict", **IMAGE)
        )
    for kind, response in ((errors.DeadlineExceeded, late), (errors.Overloaded, refused)):
        described = OPERATIONS["predict"][2]["responses"][str(kind.status)]
        example = described["content"][PROBLEM]["examples"][kind.code()]["value"]
        assert response.json().keys() == example.keys()
        assert response.json()["type"] == example["type"]
        check_headers(described, response)


async def test_a_name_that_is_too_long_is_what_the_example_says() -> None:
    async with gateway(backend(), **CONTROL) as client:
        for name in ("get_model", "load_model", "unload_model"):
            method, path, operation = OPERATIONS[name]
            response = await client.request(method, path.format(name="x" * 129, number=1))
            examples = operation["responses"]["422"]["content"][PROBLEM]["examples"]
            example = examples["invalid-parameter"]["value"]
            assert response.json()["detail"] == example["detail"]
            assert response.json().keys() == example.keys()


async def test_the_routers_own_refusals_are_described() -> None:
    async with gateway(backend()) as client:
        missing, wrong = await client.get("/nope"), await client.get("/predict")
        slash = await client.get("/models/a%2Fb")
    for name, response in (("NotFound", missing), ("MethodNotAllowed", wrong)):
        described = COMPONENTS["responses"][name]
        example = described["content"][PROBLEM]["examples"]["about-blank"]["value"]
        assert response.json() == example | {"request_id": response.headers["x-request-id"]}
        check_headers(described, response)
    of_names = OPERATIONS["get_model"][2]["responses"]["404"]["content"][PROBLEM]["examples"]
    example = of_names["not-found"]["value"]
    assert slash.json() == example | {"request_id": slash.headers["x-request-id"]}


@pytest.mark.parametrize("which", ["one", "several"])
async def test_the_bodies_that_serve_as_examples_can_be_read(which: str) -> None:
    bodies = OPERATIONS["predict"][2]["requestBody"]["content"]
    body = bodies["application/json"]["examples"][which]["value"]
    async with gateway(backend()) as client:
        response = await ask(client, "predict", json=body, params={"model": CLASSIFIER})
    answers = [
        one["answer"] for one in response.json().get("results", [{"answer": response.json()}])
    ]
    assert [answer["image"] for answer in answers] == [{"width": 8, "height": 8}] * len(answers)
    check_headers(OPERATIONS["predict"][2]["responses"]["200"], response)
