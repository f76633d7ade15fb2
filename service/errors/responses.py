"""Problem documents (RFC 9457), and the responses that carry them."""

import http
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from service.errors.base import GatewayError

PROBLEM_JSON = "application/problem+json"
# Whose callers look for the members of errors that they know.
TORCHSERVE, INFERENCE_PROTOCOL = "/predictions/", "/v2"
LONGEST_PATH = 200  # characters of a path that are repeated


def answer(error: GatewayError, path: str, request_id: str) -> Response:
    """The answer that tells ``error``, which happened at ``path``."""
    return _respond(problem(error, path, request_id), error.headers())


def problem(error: GatewayError, path: str, request_id: str) -> dict[str, Any]:
    """The problem document for ``error``."""
    return {
        "type": f"urn:fovea:problem:{error.code()}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": _reference(path),
        **error.members,
        **_in_other_words(path, error.status, error.detail),
        "request_id": request_id,
    }


def answer_status(
    status: int,
    path: str,
    request_id: str,
    headers: Mapping[str, str] | None,
    detail: str = "",
) -> Response:
    """The problem document for a bare HTTP status, such as the router's 404 and 405."""
    title = http.HTTPStatus(status).phrase
    document = {
        "type": "about:blank",
        "title": title,
        "status": status,
        **({"detail": detail} if detail else {}),
        "instance": _reference(path),
        **_in_other_words(path, status, detail or title),
        "request_id": request_id,
    }
    return _respond(document, headers or {})


def _in_other_words(path: str, status: int, message: str) -> dict[str, Any]:
    """What the errors of TorchServe (beside a `type`) and of the Open Inference Protocol have."""
    if path.startswith(TORCHSERVE):
        return {"code": status, "message": message}
    return {"error": message} if path.startswith(INFERENCE_PROTOCOL) else {}


def _reference(path: str) -> str:
    """``path`` as the URI reference that a problem's `instance` must be; cut where endless."""
    return urllib.parse.quote(path[:LONGEST_PATH])


def _respond(document: dict[str, Any], headers: Mapping[str, str]) -> Response:
    content = json.dumps(document, ensure_ascii=False)
    return Response(content, document["status"], media_type=PROBLEM_JSON, headers=headers)
