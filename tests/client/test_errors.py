"""Refusals become the class that says what a caller would do about them."""

import pickle
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest

import fovea
from fovea import _errors
from fovea._translate import problem, transport_error
from service.errors import GatewayError

GUIDE = (Path(__file__).parents[2] / "docs/client.md").read_text()
REFUSALS = GatewayError.__subclasses__()
CODES = {kind.code() for kind in REFUSALS}


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


OURS = sorted(subclasses(fovea.FoveaError), key=lambda kind: kind.__name__)


def refusal(code: int, /, headers: dict | None = None, **members: object) -> fovea.ProblemError:
    media_type = {"content-type": "application/problem+json"}
    return problem(httpx.Response(code, json=members, headers=media_type | (headers or {})))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_each_error_is_drawn_and_in_the_guide(kind: type) -> None:
    assert re.search(rf"\b{kind.__name__}\b", _errors.__doc__ or "")
    assert f"`{kind.__name__}`" in GUIDE


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_each_refusal_of_the_gateway_has_the_class_that_its_status_is_drawn_with(
    kind: type[GatewayError],
) -> None:
    error = refusal(kind.status, type=f"urn:fovea:problem:{kind.code()}", title=kind.title)
    name = type(error).__name__
    drawn = next(line for line in (_errors.__doc__ or "").splitlines() if f"── {name} " in line)
    assert f" {kind.status} " in drawn
    assert error.code == kind.code()


def test_some_types_have_a_class_of_their_own() -> None:
    own = {
        fovea.BadImage: {"body-too-large", "image-too-large", "unreadable-image"},
        fovea.Overloaded: {"overloaded", "queue-full"},
    }
    for kind, codes in own.items():
        assert codes <= CODES
        for code in CODES:
            error = refusal(400, type=f"urn:fovea:problem:{code}")
            assert (type(error) is kind) == (code in codes)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(418, fovea.BadRequest), (599, fovea.ServerError), (307, fovea.ProblemError)],
)
def test_a_refusal_of_the_future_falls_back_on_its_status(status: int, kind: type) -> None:
    assert type(refusal(status, type="urn:fovea:problem:unheard-of")) is kind


def test_it_has_what_the_problem_tells() -> None:
    told = {
        "type": "urn:fovea:problem:unknown-model",
        "title": "Unknown model",
        "status": 404,
        "detail": "there is no model 'a'",
        "field": "model",
        "remedy": "use one of the names in `models`",
        "request_id": "4f1c",
        "models": ["b"],
    }
    error = refusal(404, **told)
    assert isinstance(error, fovea.NotFound)
    assert {name: getattr(error, name, None) for name in told} | {"models": ["b"]} == told
    assert error.members == {"models": ["b"]}
    assert str(error) == (
        "there is no model 'a'; use one of the names in `models`; 404 unknown-model; request 4f1c"
    )


def test_it_goes_through_a_process_pool() -> None:
    error = refusal(503, detail="full", limit=8, headers={"retry-after": "3"})
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), vars(copy)) == (type(error), vars(error))


def test_the_page_of_a_proxy_is_no_more_than_its_status() -> None:
    page = httpx.Response(502, html="<h1>nginx</h1>", headers={"x-request-id": "4f1c"})
    error = problem(page)
    assert type(error) is fovea.ServerError
    assert str(error) == "Bad Gateway; 502 about:blank; request 4f1c"
    broken = httpx.Response(503, content=b"{", headers={"content-type": "application/json"})
    assert type(problem(broken)) is fovea.Unavailable


def test_members_of_odd_types_do_no_harm() -> None:
    error = refusal(404, type=7, title=None, detail=["x"], status="404")
    assert (error.status, error.type, error.title, error.detail) == (
        404,
        "about:blank",
        "Not Found",
        "",
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("0", 0.0), ("soon", None), ("-1", None), ("²", None)],
)
def test_retry_after_in_seconds(header: str, seconds: float | None) -> None:
    assert refusal(429, headers={"retry-after": header.encode()}).retry_after == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    told = refusal(503, headers={"retry-after": later}).retry_after
    assert told == pytest.approx(60, abs=3)
    assert refusal(503, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}).retry_after == 0


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (httpx.ConnectError, fovea.ConnectError),
        (httpx.ConnectTimeout, fovea.ConnectError),
        (httpx.ProxyError, fovea.ConnectError),
        (httpx.ReadTimeout, fovea.AnswerTimeout),
        (httpx.WriteTimeout, fovea.AnswerTimeout),
        (httpx.PoolTimeout, fovea.AnswerTimeout),
        (httpx.ReadError, fovea.ConnectionLost),
        (httpx.WriteError, fovea.ConnectionLost),
        (httpx.CloseError, fovea.ConnectionLost),
        (httpx.RemoteProtocolError, fovea.ConnectionLost),
        (httpx.LocalProtocolError, fovea.TransportError),
        (httpx.UnsupportedProtocol, fovea.TransportError),
        (httpx.DecodingError, fovea.TransportError),
        (httpx.TooManyRedirects, fovea.TransportError),
    ],
)
def test_each_failure_of_httpx_is_translated(failure: type, kind: type) -> None:
    assert type(transport_error(failure("why"))) is kind


def test_no_failure_of_httpx_was_forgotten() -> None:
    rows = test_each_failure_of_httpx_is_translated.pytestmark[0].args[1]
    leaves = {kind for kind in subclasses(httpx.RequestError) if not kind.__subclasses__()}
    assert leaves == {failure for failure, _ in rows}
