"""The outermost layer: a request id, one log line, one observation, and 500 for the unforeseen."""

import asyncio
import logging
import re
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import InternalError, answer
from service.metrics import Metrics
from service.schemas import timings
from service.trace import Outcome, Trace

KEY = "fovea.trace"  # of the ASGI scope
HEADER = b"x-request-id"
ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
MEASURED = ("POST", "/predict")
PROBES = {"/healthz", "/readyz", "/metrics"}  # asked every few seconds: logged as debug

log = logging.getLogger("service.request")


def trace_of(scope: Scope) -> Trace:
    """The trace of the request that ``scope`` belongs to."""
    trace: Trace = scope[KEY]
    return trace


class Frame:
    """Pure ASGI, so that bodies pass through without being touched."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request to its end."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = scope[KEY] = Trace(request_id=_request_id(scope))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, trace.request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            trace.outcome = Outcome.CANCELLED
            raise
        except Exception:
            trace.outcome = Outcome.ERROR
            log.exception("unforeseen failure", extra={"request_id": trace.request_id})
            if not status:
                problem = InternalError("the gateway failed; its log has the cause")
                response = answer(problem, scope["path"], trace.request_id)
                await response(scope, receive, send_with_id)
        finally:
            self._finish(scope, trace, status)

    def _finish(self, scope: Scope, trace: Trace, status: int) -> None:
        trace.enter(None)
        seconds = trace.elapsed_seconds()
        method, path = scope["method"], scope["path"]
        if (method, path) == MEASURED:
            self._metrics.observe(trace, seconds)
        level = logging.DEBUG if path in PROBES and status == 200 else logging.INFO
        if log.isEnabledFor(level):
            log.log(level, "%s %s", method, path[:200], extra=_fields(trace, status))


def _fields(trace: Trace, status: int) -> dict[str, object]:
    fields = {
        "request_id": trace.request_id,
        "status": status,
        "outcome": trace.outcome.value,
        "duration_ms": round(trace.elapsed_seconds() * 1000, 3),
        "model": trace.model,
        "version": trace.version,
        "stages_ms": timings(trace) if trace.seconds else None,
        "cause": trace.cause,
    }
    return {name: field for name, field in fields.items() if field not in ("", None)}


def _request_id(scope: Scope) -> str:
    """The caller's id if it is short and harmless, else a fresh one."""
    for name, sent in scope["headers"]:
        if name == HEADER and ACCEPTED_ID.fullmatch(sent):
            return str(sent.decode("ascii"))
    return uuid.uuid4().hex
