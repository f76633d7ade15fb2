"""What browsers are told not to do with our answers, and which names we answer to.

The gateway is an API with a page of documentation. Its answers are no documents, so nothing may run
in them, frame them or embed them from elsewhere; the page runs scripts, its own alone.
"""

import ipaddress
import re

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import UnknownHost, answer
from service.middleware import trace_of
from service.settings import Settings

Headers = list[tuple[bytes, bytes]]

EVERYWHERE: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
ANSWERS: Headers = [
    *EVERYWHERE,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
# Swagger UI starts with a script and styles inside the page and shows pictures from memory; ReDoc
# searches in a worker made of a blob. Nothing of a request gets into these pages.
PAGES: Headers = [
    *EVERYWHERE,
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]
DOCUMENTATION = ("/docs", "/redoc", "/static-offline-docs/")
ADDRESS = re.compile(rb"[0-9.]+|\[[0-9a-fA-F:.]+\]")
ASKED = ("Authorization", "Content-Type", "X-API-Key", "X-Request-ID", "Traceparent", "Tracestate")
READABLE = (
    "Retry-After",
    "Server-Timing",
    "X-Request-ID",
    "RateLimit",
    "RateLimit-Policy",
    "Traceparent",
)


class Shield:
    """Pure ASGI, outermost: adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = PAGES if scope["path"].startswith(DOCUMENTATION) else ANSWERS

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await self._app(scope, receive, send_shielded)


class HostCheck:
    """Pure ASGI, inside Frame: refuses requests for names that are not the gateway's.

    A page of evil.example may let its own name point at 127.0.0.1 and then read our answers as if
    they were its own (DNS rebinding). Its browser still sends the name. A plain address in its
    place was looked up nowhere and is always right.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[bytes]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        if scope["type"] != "http" or self._accepts(scope):
            await self._app(scope, receive, send)
            return
        error = UnknownHost("this gateway does not answer for the host of the URL", field="host")
        trace = trace_of(scope)
        error.record(trace)
        await answer(error, scope["path"], trace.request_id)(scope, receive, send)

    def _accepts(self, scope: Scope) -> bool:
        for name, sent in scope["headers"]:
            if name == b"host":
                host = _without_port(sent).lower()
                return host in self._hosts or ADDRESS.fullmatch(host) is not None
        return True  # HTTP/1.0 may leave it out; browsers do not


def protect(app: Starlette, settings: Settings) -> None:
    """Add what belongs inside Frame: the check of the host, and CORS where pages may ask."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST"),
            allow_headers=ASKED,
            expose_headers=READABLE,
        )
    hosts = accepted_hosts(settings)
    if hosts:
        app.add_middleware(HostCheck, hosts=hosts)


def accepted_hosts(settings: Settings) -> frozenset[bytes]:
    """The names to answer to, in lower case; empty for any.

    By default any, but on a loopback address: there alone a browser reaches what its page's author
    cannot reach himself, and there alone we know our names.
    """
    names = set(settings.allowed_hosts)
    if _is_loopback(settings.host):
        names.add("localhost")
    return frozenset() if "*" in names else frozenset(name.lower().encode() for name in names)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host
