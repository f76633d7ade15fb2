"""httpx's answers and failures in our words; the one place that knows httpx's errors."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from fovea._errors import AnswerTimeout, ConnectError, ConnectionLost, ProblemError, TransportError


def problem(response: httpx.Response) -> ProblemError:
    """The refusal that ``response`` is; of a proxy's page no more is told than its status."""
    document: Mapping[str, Any] = {}
    if "json" in response.headers.get("content-type", ""):
        document = _object(response)
    request_id = response.headers.get("x-request-id", "")
    after = _seconds(response.headers.get("retry-after"))
    return ProblemError.of({"request_id": request_id, **document}, response.status_code, after)


def transport_error(error: httpx.RequestError) -> TransportError:
    """``error`` in our words: whether the gateway may have got the request is what counts."""
    told = str(error) or type(error).__name__
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
            return ConnectError(f"the gateway was not reached: {told}")
        case httpx.TimeoutException():
            return AnswerTimeout(f"no answer in time: {told}")
        case httpx.NetworkError() | httpx.RemoteProtocolError():
            return ConnectionLost(f"the connection broke before the answer: {told}")
        case _:  # a request that cannot be sent as it is, or an answer that cannot be unpacked
            return TransportError(told)


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After is seconds or a date (RFC 9110, section 10.2.3); None where it is neither."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)
