"""Who asks, and whether they may: what the routes depend on before anything else."""

from starlette.requests import Request

from service.keys import KeyFile, Scope
from service.middleware import trace_of
from service.rates import Rates, caller_address
from service.settings import Settings


class Guard:
    """API keys, where a file of them is given, and a rate for each caller, where one is set."""

    def __init__(self, settings: Settings) -> None:
        """Raises: KeysError, if the file cannot be used."""
        self._keys = KeyFile(settings.api_keys_file) if settings.api_keys_file else None
        self._rates: Rates | None = None
        if settings.rate_per_second:
            self._rates = Rates(settings.rate_per_second, settings.rate_burst)
        if self._keys is not None:
            self._keys.load()

    async def predict(self, request: Request) -> None:
        """Let pass who may ask for predictions, and has not asked too often.

        Raises:
            Unauthenticated, Forbidden, RateLimited
        """
        caller = self._name(request, Scope.PREDICT)
        if self._rates is not None:  # an empty one is false
            self._rates.check(caller or caller_address(request.scope))

    async def look(self, request: Request) -> None:
        """Let pass whoever has any key.

        Raises:
            Unauthenticated
        """
        self._name(request, Scope.PREDICT, Scope.ADMIN)

    async def administer(self, request: Request) -> None:
        """Let pass who may change what is served.

        Raises:
            Unauthenticated, Forbidden
        """
        self._name(request, Scope.ADMIN)

    def reload(self) -> None:
        """Read the keys again, now."""
        if self._keys is not None:
            self._keys.reload()

    def _name(self, request: Request, *scopes: Scope) -> str:
        """The name of the key that was sent; empty where nobody needs one."""
        if self._keys is None:
            return ""
        name = self._keys.authenticate(request.headers.raw, *scopes).name
        trace_of(request.scope).key = name
        return name
