"""Finished traces to an OpenTelemetry collector; needs the extra `otel`, and is imported with it.

Nothing is recorded while a request runs: its spans are made of its Trace when it has ended, and a
thread of the SDK sends them. What the collector does not take in time is dropped.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Self, TypedDict

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from service.build import NAME, build
from service.trace import Stage, Trace
from service.traceparent import TraceContext, span_id

PATH = "/v1/traces"  # of OTLP over HTTP
EXPORT_SECONDS = 5.0  # for one batch of spans
CLOSE_SECONDS = 5.0  # at the end, for what is left
UNSET, ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)


class _Extent(TypedDict):
    """When a span lasted, in nanoseconds since 1970."""

    start_time: int
    end_time: int


class Telemetry:
    """Turns traces into spans: one a request, one an image of a batch, one a stage."""

    def __init__(self, exporter: SpanExporter, share: float) -> None:
        self.share = share  # of requests to record where the caller has not decided
        self._processor = BatchSpanProcessor(exporter)
        version = build().version
        self._span = partial(
            ReadableSpan,
            resource=Resource.create({"service.name": NAME, "service.version": version}),
            instrumentation_scope=InstrumentationScope(NAME, version),
        )

    @classmethod
    def to(cls, endpoint: str, share: float) -> Self:
        """To the collector at ``endpoint``, such as http://localhost:4318."""
        url = endpoint.rstrip("/") + PATH
        return cls(OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS), share)

    def record(self, trace: Trace, seconds: float, method: str, route: str, status: int) -> None:
        """Hand over the spans of a request that took ``seconds``; it returns at once."""
        for span in self._spans(trace, seconds, method, route, status):
            self._processor.on_end(span)

    def close(self) -> None:
        """Send what is left, within a few seconds; it blocks."""
        last = threading.Thread(target=self._processor.shutdown, daemon=True)
        last.start()
        last.join(CLOSE_SECONDS)

    def _spans(
        self, trace: Trace, seconds: float, method: str, route: str, status: int
    ) -> Iterator[ReadableSpan]:
        own = trace.context
        request = _context(own, own.span_id)
        yield self._span(
            name=f"{method} {route}".strip(),
            context=request,
            parent=_context(own, own.parent_id, remote=True) if own.parent_id else None,
            kind=SpanKind.SERVER,
            status=ERROR if status >= 500 else UNSET,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "fovea.request_id": trace.request_id,
                **_told(trace),
            },
            **_extent(trace.started, trace.started + seconds),
        )
        yield from self._stages(trace, request)
        for index, image in enumerate(trace.images):
            yield from self._image(index, image, request)

    def _image(self, index: int, image: Trace, parent: SpanContext) -> Iterator[ReadableSpan]:
        """An image of a batch; none where its turn never came."""
        if not image.began:
            return
        context = _context(image.context, span_id())
        ends = [began + image.seconds[stage] for stage, began in image.began.items()]
        yield self._span(
            name="image",
            context=context,
            parent=parent,
            status=ERROR if image.problem else UNSET,
            attributes={"fovea.image": index, **_told(image)},
            **_extent(min(image.began.values()), max(ends)),
        )
        yield from self._stages(image, context)

    def _stages(self, trace: Trace, parent: SpanContext) -> Iterator[ReadableSpan]:
        for stage, spent in trace.seconds.items():
            began = trace.began[stage]
            yield self._span(
                name=stage.value,
                context=_context(trace.context, span_id()),
                parent=parent,
                kind=SpanKind.CLIENT if stage is Stage.INFER else SpanKind.INTERNAL,
                **_extent(began, began + spent),
            )


def _context(trace: TraceContext, span: str, *, remote: bool = False) -> SpanContext:
    state = TraceState.from_header([trace.state]) if trace.state else None
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace.trace_id, 16), int(span, 16), remote, flags, state)


def _told(trace: Trace) -> Mapping[str, str]:
    told = {
        "fovea.model": trace.model,
        "fovea.version": trace.version,
        "fovea.outcome": trace.outcome.value,
        "fovea.problem": trace.problem,
    }
    return {name: text for name, text in told.items() if text}


def _extent(began: float, ended: float) -> _Extent:
    """From perf_counter's seconds to nanoseconds since 1970."""
    epoch = time.time_ns() - time.perf_counter_ns()
    return {"start_time": epoch + int(began * 1e9), "end_time": epoch + int(ended * 1e9)}
