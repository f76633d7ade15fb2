"""What the OpenAPI document says beside the routes' own types: failures, headers, keys, words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service.build import build
from service.errors import GatewayError, InternalError, UnknownHost
from service.errors.responses import PROBLEM_JSON
from service.examples import problems
from service.examples.names import REQUEST_ID, TRACEPARENT

Document = dict[str, Any]

DESCRIPTION = """\
Image in, JSON out: attention-augmented vision models on NVIDIA Triton.

**Failures** are `application/problem+json` (RFC 9457). `type` tells one kind from another, `field`
what in the request was wrong, `remedy` what to do about it; some kinds have further members. Each
operation lists those that it may answer, with an example of each. What belongs to no operation is
`about:blank`: 404 for a path that does not exist, 405 with `Allow` for a wrong method (`NotFound`
and `MethodNotAllowed` among the components). Bytes that are no HTTP get a bare 400.

**Every answer** has the headers `X-Request-Id` and `traceparent`, and is not to be cached.
"""
TAGS = [
    {"name": "prediction", "description": "Ask a model about one image or several."},
    {"name": "models", "description": "What can be asked, and what Triton holds in memory."},
    {"name": "shadows", "description": "Candidates beside the models in service."},
    {"name": "health", "description": "For probes and scrapers; they need no key."},
]
HEADERS: Mapping[str, Document] = {
    "X-Request-Id": {
        "description": "the caller's own, if it is 1 to 128 of `A–Z a–z 0–9 . _ : -`; else a fresh "
        "one. The log has it too",
        "required": True,
        "schema": {"type": "string", "pattern": r"^[A-Za-z0-9._:-]{1,128}$"},
        "example": REQUEST_ID,
    },
    "traceparent": {
        "description": "this request in the caller's distributed trace, or in a new one (W3C Trace "
        "Context)",
        "required": True,
        "schema": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"},
        "example": TRACEPARENT,
    },
    "Server-Timing": {
        "description": "milliseconds of each stage; with a batch, of the request",
        "required": True,
        "schema": {"type": "string", "pattern": r"^\w+;dur=[0-9.]+(, \w+;dur=[0-9.]+)*$"},
        "example": "read;dur=0.1, queue;dur=0.0, decode;dur=1.4, total;dur=8.8",
    },
    "X-Routing": {
        "description": "the model and version that answered, the rule that chose it, its route, "
        "models that were passed over, and what the cache did",
        "required": True,
        "schema": {"type": "string", "pattern": r"^[\w-]+=[^,]*(, [\w-]+=[^,]*)*$"},
        "example": "model=mbv2_simam, version=1, rule=weight, route=signs",
    },
    "Allow": {
        "description": "the methods that the path has",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "seconds to wait before the next try",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "how to show a key (RFC 9110), and what it lacks (RFC 6750)",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "`q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers-10)",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "`r` requests are left for the next `t` seconds",
        "schema": {"type": "string"},
    },
}
EVERYWHERE = ("X-Request-Id", "traceparent")
# For `openapi_extra` of routes that ask for a key; the first way is none, where none is needed.
KEYS: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"header": []}]
SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer KEY`; needed where the gateway has a file of keys "
        "(`FOVEA_API_KEYS_FILE`). The scope `predict` is good for predictions and the list of "
        "models, `admin` for the list, loading and unloading",
    },
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "the same key in a header of its own",
    },
}
# Nobody's operation has these: the router refuses before there is one.
BARE = {"NotFound": (404, "/nope"), "MethodNotAllowed": (405, "/predict")}


def responses(
    path: str, *kinds: type[GatewayError], success: Document | None = None
) -> dict[int | str, Document]:
    """Every answer of the route ``path``: ``success``, and a problem for each of ``kinds``.

    ``success`` is an OpenAPI Response Object, whose headers may be names of ``HEADERS``.
    """
    success = success or {}
    names = (*EVERYWHERE, *success.get("headers", ()))
    told: dict[int | str, Document] = {200: {**success, "headers": _headers(names)}}
    every: list[type[GatewayError]] = [*kinds, UnknownHost, InternalError]
    errors = defaultdict(list)
    for kind in sorted(every, key=lambda kind: kind.status):
        errors[kind.status].append(problems.error(kind, path))
    told |= {status: _failures(path, alike) for status, alike in errors.items()}
    if "{name}" in path:  # one with a slash in it makes another path
        examples = told[404]["content"][PROBLEM_JSON]["examples"]
        examples["not-found"] = _bare_example(404, path.format(name="a/b", number=1))
    return told


def described(docs: bool, **options: Any) -> FastAPI:
    """An app with its description; without ``docs`` nobody gets to see it."""
    options |= {
        "title": "Fovea",
        "description": DESCRIPTION,
        "version": build().version,
        "openapi_tags": TAGS,
        "generate_unique_id_function": lambda route: route.name,
    }
    if not docs:
        return FastAPI(openapi_url=None, docs_url=None, redoc_url=None, **options)
    app = FastAPIOffline(**options)
    generate = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            app.openapi_schema = _with_components(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to extend it
    return app


def _with_components(document: Document) -> Document:
    bare = {name: _bare(*where) for name, where in BARE.items()}
    more = {"headers": HEADERS, "responses": bare, "securitySchemes": SCHEMES}
    return document | {"components": document["components"] | more}


def _failures(path: str, errors: Sequence[GatewayError]) -> Document:
    """The Response Object of those that share a status."""
    sent = [error.headers() for error in errors]
    always = set.intersection(*map(set, sent))
    headers = _headers(EVERYWHERE)
    for name, sample in {name: one for told in sent for name, one in told.items()}.items():
        example = int(sample) if sample.isdigit() else sample
        headers[name] = HEADERS[name] | {"required": name in always, "example": example}
    examples = {
        error.code(): {"summary": error.title, "value": problems.document(error, path)}
        for error in errors
    }
    return _response(" ".join(map(_meaning, errors)), headers, examples)


def _bare(status: int, path: str) -> Document:
    headers = _headers((*EVERYWHERE, "Allow") if status == 405 else EVERYWHERE)
    example = _bare_example(status, path)
    return _response(example["summary"], headers, {"about-blank": example})


def _bare_example(status: int, path: str) -> Document:
    told = problems.bare(status, path)
    return {"summary": told["title"], "value": told}


def _response(description: str, headers: Document, examples: Document) -> Document:
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {PROBLEM_JSON: {"schema": schema, "examples": examples}}
    return {"description": description, "headers": headers, "content": content}


def _headers(names: Sequence[str]) -> Document:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _meaning(error: GatewayError) -> str:
    """What its class says of itself, as Markdown."""
    return (type(error).__doc__ or error.title).partition("\n")[0].replace("``", "`")
