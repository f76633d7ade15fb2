"""Who asks: callers that are not known, not allowed or too many, and hosts that are not ours."""
# ruff: noqa: N818 - the names read as what happened, and become the problems' types

from service.errors.base import GatewayError


class Unauthenticated(GatewayError):
    """No API key where one is needed, or one that is not known."""

    status = 401
    title = "API key needed"
    remedy = "send a header `Authorization: Bearer KEY` or `X-API-Key: KEY`"

    def headers(self) -> dict[str, str]:
        """With the challenge that RFC 9110, section 15.5.2, demands."""
        return {**super().headers(), "WWW-Authenticate": 'Bearer realm="fovea"'}


class ModelControlOff(GatewayError):
    """Models may not be loaded and unloaded through this gateway."""

    status = 403
    title = "Model control off"
    remedy = "start the gateway with FOVEA_MODEL_CONTROL=true, where every caller is trusted"


class ForeignOrigin(GatewayError):
    """A web page of somebody else asks to load or unload."""

    status = 403
    title = "Foreign origin"
    remedy = "ask from a program, or from a page of this gateway"


class Forbidden(GatewayError):
    """The API key lacks ``scope``."""

    status = 403
    title = "Scope missing"

    def __init__(self, detail: str, scope: str) -> None:
        super().__init__(detail, remedy=f"use a key with the scope {scope!r}", scope=scope)
        self._scope = scope

    def headers(self) -> dict[str, str]:
        """With the challenge of RFC 6750, section 3.1."""
        challenge = f'Bearer realm="fovea", error="insufficient_scope", scope="{self._scope}"'
        return {**super().headers(), "WWW-Authenticate": challenge}


class UnknownHost(GatewayError):
    """The request names a host that this gateway does not answer for."""

    status = 421
    title = "Unknown host"
    remedy = "use the gateway's own address, or add the name to FOVEA_ALLOWED_HOSTS"


class RateLimited(GatewayError):
    """More requests than one caller may send: ``quota`` in ``window_seconds``."""

    status = 429
    title = "Rate limit exceeded"
    remedy = "wait as long as Retry-After says"

    def __init__(
        self, detail: str, *, retry_after_seconds: int, quota: int, window_seconds: int
    ) -> None:
        super().__init__(detail, retry_after_seconds=retry_after_seconds)
        self._policy = f'"caller";q={quota};w={window_seconds}'

    def headers(self) -> dict[str, str]:
        """With the fields of draft-ietf-httpapi-ratelimit-headers-10."""
        left = f'"caller";r=0;t={self.retry_after_seconds}'
        return {**super().headers(), "RateLimit-Policy": self._policy, "RateLimit": left}
