"""What clients and calls may be told, once for sync and async."""

import ssl
from collections.abc import Mapping
from typing import TypedDict

import httpx


class ClientOptions(TypedDict, total=False):
    """What holds for all calls of a client.

    - ``api_key``: sent as ``Authorization: Bearer …``; none by default.
    - ``timeout``: seconds for one call, repetitions included; 30 by default. The gateway is told
      (``X-Timeout-Ms``) and answers in time that it was too short, or by its own limit if that is
      less.
    - ``retries``: how often a call may be sent again where that is safe; 2 by default, 0 for never.
    - ``longest_wait``: seconds; when the gateway asks for a longer pause (``Retry-After``), its
      refusal is raised at once. 10 by default.
    - ``headers``: sent with every call.
    - ``limits``: of the connection pool; httpx's by default.
    - ``verify``: how to trust a gateway behind TLS: an ``ssl.SSLContext``, or False not to ask.
    """

    api_key: str | None
    timeout: float
    retries: int
    longest_wait: float
    headers: Mapping[str, str]
    limits: httpx.Limits
    verify: ssl.SSLContext | bool


class CallOptions(TypedDict, total=False):
    """What holds for one call.

    - ``timeout``: seconds, in place of the client's.
    - ``headers``: further ones, such as ``traceparent`` and ``x-request-id``; they win.
    """

    timeout: float | None
    headers: Mapping[str, str] | None


class CompareOptions(CallOptions, total=False):
    """How much is to be answered; what is None is the gateway's to choose.

    - ``top_k``: of a classifier: how many classes; all by default.
    - ``score_threshold``: of a detector: leave out what scores no more than this; it may only
      raise the model's own.
    - ``max_detections``: of a detector: how many objects at most; it may only lower the model's
      own.
    """

    top_k: int | None
    score_threshold: float | None
    max_detections: int | None


class RenderOptions(CompareOptions, total=False):
    """Likewise, and which model is to look at the image.

    - ``model``: one of them, a route of the gateway's routing file, or ``auto``; may be left out
      where exactly one is served or there is a default.
    - ``version``: one of the ready ones; the newest by default.
    - ``task``: ``classification`` or ``detection``: what the model must do, where none is named.
    - ``policy``: with ``auto``: ``best``, the most accurate within the budget; or ``fastest``.
    - ``budget_ms``: with ``auto``: the recent p95 latency that the model may have at most.
    - ``route_key``: equal keys get the same target of a route.
    - ``target``: of a route, who shall answer: ``model`` or ``model@version``; for testers.
    - ``truth``: the image's true label, if it is known; it counts in the verdict on a shadow.
    - ``fresh``: computed anew, past the gateway's cache.
    """

    model: str | None
    version: str | int | None
    task: str | None
    policy: str | None
    budget_ms: float | None
    route_key: str | None
    target: str | None
    truth: str | None
    fresh: bool


class PredictOptions(RenderOptions, total=False):
    """Likewise, for an answer in numbers.

    - ``class_map``: of a classifier that has them: also tell where the best classes were seen.
    """

    class_map: bool
