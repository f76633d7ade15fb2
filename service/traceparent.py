"""W3C Trace Context: which distributed trace a request belongs to (www.w3.org/TR/trace-context).

A header that is not exactly as the standard has it starts a new trace, as the standard demands.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

HEADER, STATE_HEADER = b"traceparent", b"tracestate"
SAMPLED = 0x01  # the only flag; senders set the others to 0
TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
MEMBER = re.compile(
    rb"([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
    rb"=[ -+\--<>-~]{0,255}[!-+\--<>-~]"
)
MOST_MEMBERS = 32
LONGEST_STATE = 512  # bytes that everybody passes on; a longer state is dropped


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace, and the span that stands for this request in it."""

    trace_id: str  # 32 hexadecimal digits
    span_id: str  # 16, ours
    parent_id: str = ""  # 16, of whoever asks us; empty where the trace begins here
    sampled: bool = False  # whether somebody records the trace
    state: str = ""  # other systems' words about the trace, passed on as they came

    @property
    def header(self) -> str:
        """The `traceparent` of whatever this request causes."""
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"

    def metadata(self) -> Mapping[str, str] | None:
        """What goes along to the inference server; None where nobody records the trace.

        Triton records whatever carries a `traceparent`, also where its flags say not to.
        """
        if not self.sampled:
            return None
        told = {"traceparent": self.header}
        return told | {"tracestate": self.state} if self.state else told


def begin(*, sampled: bool = False) -> TraceContext:
    """A new trace."""
    return TraceContext(identifier(32), span_id(), sampled=sampled)


def span_id() -> str:
    """For one more span."""
    return identifier(16)


def proceed(parents: list[bytes], states: list[bytes]) -> TraceContext | None:
    """Our place in the trace of whoever asks; the arguments are the values of both headers.

    None where there is no `traceparent`, more than one, or one that is not valid.
    """
    match = TRACEPARENT.fullmatch(parents[0].strip(b" \t")) if len(parents) == 1 else None
    if match is None:
        return None
    version, trace_id, parent_id, flags, rest = match.groups()
    if version == b"ff" or (version == b"00" and rest is not None):
        return None
    if not (trace_id.strip(b"0") and parent_id.strip(b"0")):
        return None
    return TraceContext(
        trace_id.decode(),
        span_id(),
        parent_id.decode(),
        bool(int(flags, 16) & SAMPLED),
        _state(states) if states else "",
    )


def _state(states: list[bytes]) -> str:
    """The members of all `tracestate` headers; nothing where one of them is not valid."""
    parts = (part.strip(b" \t") for part in b",".join(states).split(b","))
    members = [part for part in parts if part]
    joined = b",".join(members)
    valid = all(map(MEMBER.fullmatch, members)) and len(members) <= MOST_MEMBERS
    return joined.decode() if valid and len(joined) <= LONGEST_STATE else ""


def identifier(digits: int) -> str:
    """Random, because it must be unique; it is no secret. Never 0, which means none."""
    return f"{random.getrandbits(4 * digits) or 1:0{digits}x}"
