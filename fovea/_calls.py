"""Requests to the gateway and the reading of their answers, without any input or output."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar, Unpack
from urllib.parse import quote

import httpx

from fovea import _answers
from fovea._answers import Answer, Batch
from fovea._comparison import Comparison, comparison
from fovea._decode import decode
from fovea._errors import UnexpectedAnswer
from fovea._images import Upload
from fovea._models import Model, Models
from fovea._options import CallOptions, CompareOptions, PredictOptions, RenderOptions

T = TypeVar("T")
ANY_IMAGE = "image/*"  # the gateway goes by the bytes; a guess from a name would say no more
PNG = "image/png"
PAST_CACHES = {"Cache-Control": "no-cache"}  # RFC 9111, section 5.2.1.4
LOAD_SECONDS = 130.0  # the gateway gives up after 120 s unless it was told otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """One request, and how a success is read.

    ``body`` is arguments of httpx: content, files or json, and headers that describe them. A
    ``repeatable`` call changes nothing, so that it may be sent again though it may have arrived.
    Where ``timeout``, in seconds, is None, the client's holds. ``headers`` are the caller's.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] | None = None
    timeout: float | None = None
    repeatable: bool = True


def predict(upload: Upload, **options: Unpack[PredictOptions]) -> Call[Answer]:
    """One image, as the body itself: the gateway's fastest way."""
    return _prediction(_one(upload), partial(_decoded, Answer), **options)


def predict_batch(uploads: Sequence[Upload], **options: Unpack[PredictOptions]) -> Call[Batch]:
    """Several images in one request.

    Raises:
        ValueError: there are none.
    """
    if not uploads:
        raise ValueError("a batch needs an image at least")
    return _prediction(_several(uploads), _batch, **options)


def render(upload: Upload, **options: Unpack[RenderOptions]) -> Call[bytes]:
    """One image, answered with a PNG."""
    call = _prediction(_one(upload), _png, **options)
    return replace(call, query={**call.query, "render": "true"})


def compare(
    upload: Upload, models: Iterable[str], **options: Unpack[CompareOptions]
) -> Call[Comparison]:
    """One image, shown to several models.

    Raises:
        TypeError: one string is no list of names.
    """
    if isinstance(models, str):
        raise TypeError(f"models is {models!r}; it must be a list of names")
    call = _prediction(_one(upload), _comparison, **options)
    return replace(call, path="/compare", query={"models": ",".join(models), **call.query})


def models(**options: Unpack[CallOptions]) -> Call[list[Model]]:
    """Every model of the repository."""
    return Call(method="GET", path="/models", read=_listed, **options)


def model(name: str, **options: Unpack[CallOptions]) -> Call[Model]:
    """One of them."""
    return Call(method="GET", path=_path(name), read=partial(_decoded, Model), **options)


def load(name: str, **options: Unpack[CallOptions]) -> Call[Model]:
    """Load it, or what is new of it."""
    return _change(f"{_path(name)}/load", **options)


def unload(name: str, **options: Unpack[CallOptions]) -> Call[Model]:
    """Give it up."""
    return _change(f"{_path(name)}/unload", **options)


def ready(**options: Unpack[CallOptions]) -> Call[bool]:
    """The probe: asked once, because a no is an answer."""
    return Call(method="GET", path="/readyz", read=lambda _: True, repeatable=False, **options)


def _change(path: str, **options: Unpack[CallOptions]) -> Call[Model]:
    """A call with an effect: whether to send it twice is for the caller to say."""
    patient: CallOptions = {"timeout": LOAD_SECONDS, **options}
    read = partial(_decoded, Model)
    return Call(method="POST", path=path, read=read, repeatable=False, **patient)


def _path(name: str) -> str:
    """Raises: ValueError, if no model can have that name and the path would be another's."""
    if name.strip(".") == "":
        raise ValueError(f"{name!r} is no name of a model")
    return f"/models/{quote(name, safe='')}"


def _prediction(
    body: Mapping[str, Any],
    read: Callable[[httpx.Response], T],
    *,
    timeout: float | None = None,
    headers: Mapping[str, str] | None = None,
    fresh: bool = False,
    **options: Any,
) -> Call[T]:
    if fresh:
        headers = {**PAST_CACHES, **(headers or {})}
    return Call(
        method="POST",
        path="/predict",
        query=_query(**options),
        body=body,
        read=read,
        timeout=timeout,
        headers=headers,
    )


def _query(  # noqa: PLR0913 - the gateway's parameters
    *,
    model: str | None = None,
    version: str | int | None = None,
    task: str | None = None,
    policy: str | None = None,
    budget_ms: float | None = None,
    route_key: str | None = None,
    target: str | None = None,
    truth: str | None = None,
    top_k: int | None = None,
    class_map: bool = False,
    score_threshold: float | None = None,
    max_detections: int | None = None,
) -> dict[str, str]:
    """The parameters that were given, in the gateway's words."""
    given = {
        "model": model,
        "version": version,
        "task": task,
        "policy": policy,
        "budget_ms": budget_ms,
        "route_key": route_key,
        "target": target,
        "truth": truth,
        "top_k": top_k,
        "class_map": "true" if class_map else None,
        "score_threshold": score_threshold,
        "max_detections": max_detections,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def _one(upload: Upload) -> dict[str, Any]:
    return {"content": upload.data, "headers": {"Content-Type": ANY_IMAGE}}


def _several(uploads: Sequence[Upload]) -> dict[str, Any]:
    """A form; or, because a form with one file is no batch to the gateway, a list of one."""
    if len(uploads) == 1:
        return {"json": {"images": [base64.b64encode(uploads[0].data).decode("ascii")]}}
    return {"files": [("file", (one.name, one.data, ANY_IMAGE)) for one in uploads]}


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError as error:
        kind = response.headers.get("content-type", "nothing that is named")
        raise UnexpectedAnswer(f"the answer is {kind}, not JSON") from error


def _decoded(kind: type[T], response: httpx.Response) -> T:
    return decode(kind, _json(response), kind.__name__.lower())


def _batch(response: httpx.Response) -> Batch:
    return _answers.batch(_json(response))


def _comparison(response: httpx.Response) -> Comparison:
    return comparison(_json(response))


def _listed(response: httpx.Response) -> list[Model]:
    return list(_decoded(Models, response).models)


def _png(response: httpx.Response) -> bytes:
    if response.headers.get("content-type") != PNG:
        raise UnexpectedAnswer("the answer is no PNG")
    return response.content
