"""A client's options to what both shells are made of: a policy, and arguments of httpx's client."""

import re
import ssl
from collections.abc import Mapping
from typing import Any

import httpx

from fovea._exchange import Policy
from fovea._version import __version__

URL = "http://127.0.0.1:8080"  # where `make serve` listens
SENDABLE = re.compile(r"[!-~]+")  # visible ASCII


def settle(  # noqa: PLR0913 - the options, each with its default
    url: str,
    *,
    api_key: str | None = None,
    timeout: float = Policy.timeout,
    retries: int = Policy.retries,
    longest_wait: float = Policy.longest_wait,
    headers: Mapping[str, str] | None = None,
    limits: httpx.Limits | None = None,
    verify: ssl.SSLContext | bool = True,
) -> tuple[Policy, dict[str, Any]]:
    """What ``fovea.ClientOptions`` say.

    Raises:
        ValueError: an option makes no sense; the message has no secrets.
    """
    arguments: dict[str, Any] = {
        "base_url": _checked(url),
        "headers": {**_own_headers(api_key), **(headers or {})},
        "verify": verify,
    }
    if limits is not None:
        arguments["limits"] = limits
    policy = Policy(timeout=timeout, retries=retries, longest_wait=longest_wait)
    return policy, arguments


def _own_headers(api_key: str | None) -> dict[str, str]:
    own = {"Accept": "application/json", "User-Agent": f"fovea-python/{__version__}"}
    if api_key is None:
        return own
    # A line break at its end, as of a file, would show the key in a traceback of the HTTP layer.
    if not SENDABLE.fullmatch(api_key):
        raise ValueError("api_key is empty, or has characters other than visible ASCII")
    return {**own, "Authorization": f"Bearer {api_key}"}


def _checked(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"url is {url!r}: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"url is {url!r}; it must be as {URL}")
    return parsed
