"""A route that FastAPI describes and does not stand in the way of."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

Arguments = Callable[[Request], Awaitable[Mapping[str, Any]]]


class DirectRoute(APIRoute):
    """Calls ``endpoint`` with what ``arguments`` reads out of the request.

    FastAPI solves the signature of an endpoint anew for each request, which takes a quarter of a
    millisecond: as much as everything else that happens to a small image on the event loop. Here
    the signature is for the OpenAPI document alone. What ``arguments`` raises is answered as what
    the endpoint raises; a ValidationError of pydantic's as FastAPI's own. ``also`` are methods that
    other routes of the path have: a refusal of yet another method names them too.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Awaitable[Response]],
        *,
        arguments: Arguments,
        also: Collection[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(path, endpoint, **options)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive, send)
            try:
                found = await arguments(request)
            except ValidationError as error:
                raise RequestValidationError(error.errors()) from error
            response = await endpoint(**found)
            await response(scope, receive, send)

        self.app = app
        self._allowed = {*(self.methods or ()), *also}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, which may have a wrong method if no other route has the path."""
        if scope["method"] not in self._allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(self._allowed))})
        await super().handle(scope, receive, send)
