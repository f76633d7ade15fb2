"""The outermost layer: a request's ids, one log line, one observation, 500 for the unforeseen."""

import asyncio
import logging
import random
import re
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import InternalError, answer
from service.metrics import Metrics
from service.schemas import timings
from service.trace import Outcome, Trace
from service.traceparent import HEADER, STATE_HEADER, begin, identifier, proceed

if TYPE_CHECKING:  # OpenTelemetry's SDK is an extra
    from service.telemetry import Telemetry

KEY = "fovea.trace"  # of the ASGI scope
ID_HEADER = b"x-request-id"
ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
PREDICTIONS = re.compile(r"/predict|/compare|/predictions/.*|/v2/models/.*/infer")
PROBES = {"/healthz", "/readyz", "/ping", "/metrics"}  # asked every few seconds: logged as debug

log = logging.getLogger("service.request")


def trace_of(scope: Scope) -> Trace:
    """The trace of the request that ``scope`` belongs to."""
    trace: Trace = scope[KEY]
    return trace


class Frame:
    """Pure ASGI, so that bodies pass through without being touched."""

    def __init__(
        self, app: ASGIApp, metrics: Metrics, telemetry: "Telemetry | None" = None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._telemetry = telemetry
        self._share = 0.0 if telemetry is None else telemetry.share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request to its end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = scope[KEY] = self._trace(scope)
        ids = [(ID_HEADER, trace.request_id.encode()), (HEADER, trace.context.header.encode())]
        status = 0

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *ids]
            await send(message)

        try:
            await self._app(scope, receive, send_with_ids)
        except asyncio.CancelledError:
            trace.outcome = Outcome.CANCELLED
            raise
        except Exception:
            problem = InternalError("the gateway failed; its log has the cause")
            problem.record(trace)
            log.exception("unforeseen failure", extra=_ids(trace))
            if not status:
                response = answer(problem, scope["path"], trace.request_id)
                await response(scope, receive, send_with_ids)
        finally:
            self._finish(scope, trace, status)

    def _trace(self, scope: Scope) -> Trace:
        """The record of a request, begun with what its headers say of it."""
        request_id, parents, states = "", [], []
        for name, sent in scope["headers"]:
            if name == ID_HEADER and ACCEPTED_ID.fullmatch(sent):
                request_id = request_id or sent.decode("ascii")
            elif name == HEADER:
                parents.append(sent)
            elif name == STATE_HEADER:
                states.append(sent)
        chosen = random.random() < self._share  # noqa: S311 - nothing secret
        context = proceed(parents, states) or begin(sampled=chosen)
        return Trace(request_id or identifier(32), context)

    def _finish(self, scope: Scope, trace: Trace, status: int) -> None:
        trace.end()
        seconds = trace.elapsed_seconds()
        method, path = scope["method"], scope["path"]
        if method in ("POST", "PUT") and PREDICTIONS.fullmatch(path):
            self._metrics.observe(trace, seconds)
        self._metrics.count_problems(trace)
        level = logging.DEBUG if path in PROBES and status == 200 else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s %s", method, path[:200], extra=_fields(trace, status, seconds))
        if self._telemetry is not None and trace.context.sampled and path not in PROBES:
            route = getattr(scope.get("route"), "path", "")
            self._telemetry.record(trace, seconds, method, route, status)


def _ids(trace: Trace) -> dict[str, str]:
    return {"request_id": trace.request_id, "trace_id": trace.context.trace_id}


def _fields(trace: Trace, status: int, seconds: float) -> dict[str, object]:
    """What the log says; neither the query nor the body, which may hold secrets."""
    fields = {
        **_ids(trace),
        "span_id": trace.context.span_id,
        "key": trace.key,
        "status": status,
        "outcome": trace.outcome.value,
        "problem": trace.problem,
        "duration_ms": round(seconds * 1000, 3),
        "model": trace.model,
        "version": trace.version,
        **_routing(trace),
        "images": len(trace.images) or None,
        "images_failed": sum(bool(image.problem) for image in trace.images) or None,
        "stages_ms": timings(trace) if trace.seconds else None,
        "cause": trace.cause,
    }
    return {name: field for name, field in fields.items() if field not in ("", None)}


def _routing(trace: Trace) -> dict[str, object]:
    """Why this model answered; nothing where the caller named it."""
    routing = trace.routing
    if routing is None or routing.plain:
        return {}
    return {
        "rule": routing.rule.value,
        "route": routing.route,
        "why": routing.why,
        "cache": routing.cache or "",
        "passed_over": [f"{one.model}: {one.reason}" for one in routing.passed_over] or None,
    }
