"""One process that serves: uvicorn with the app, from its first line to its last answer."""

import asyncio
import logging
import math
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.connection import CLOSE, Connection, say_goodbye
from service.settings import Settings

KEEP_ALIVE_SECONDS = 75  # longer than usual load balancers keep idle connections
POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn, with a line for people at the start and a farewell to callers before the end.

    With a ``parent`` it is one of several workers: it may be replaced, and it ends when its
    standard input does, because then the parent is gone.
    """

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, settings: Settings, *, parent: bool
    ) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings
        self._parent = parent
        self._replaced = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._app.state.reload)
        loop.add_signal_handler(signal.SIGUSR2, self._give_way)
        if self._parent:
            loop.add_reader(sys.stdin, self._hear_the_parent)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        print(_welcome(f"http://{host}:{port}", self._app), flush=True)  # noqa: T201 - for people

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Leave; a worker that was leaving because of another leaves without a successor now."""
        self._replaced = False
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye in every answer; serve on, accept no more, finish what runs, close the idle.

        A worker that is replaced accepts no more at once, because another does, and waits for its
        callers to take leave. Readiness then stays on: probes ask for the gateway, which is ready.
        """
        self._app.state.draining = not self._replaced
        self.config.encoded_headers.append(CLOSE)
        say_goodbye(self.server_state.connections)
        await self._serve_on(self._settings.drain_seconds, lambda: not self._replaced)
        for server in self.servers:
            server.close()
        left = await self._serve_on(self._settings.shutdown_seconds, self._is_needed)
        self.config.timeout_graceful_shutdown = max(math.ceil(left), 1)
        await super().shutdown(sockets)

    async def _serve_on(self, seconds: float, wanted: Callable[[], bool]) -> float:
        """Look now and then whether that is still wanted; the seconds that are left in the end."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while True:
            await self.on_tick(0)  # sets what headers each answer has: the date, and the goodbye
            left = ends - loop.time()
            if left <= 0 or self.force_exit or not wanted():
                return left
            await asyncio.sleep(min(left, POLL_SECONDS))

    def _is_needed(self) -> bool:
        state = self.server_state
        return bool(state.connections if self._replaced else state.tasks)

    def _give_way(self) -> None:
        if not self._parent:
            log.warning("one process cannot replace itself; a rolling restart needs FOVEA_WORKERS")
        elif not self.should_exit:
            self._replaced = self.should_exit = True

    def _hear_the_parent(self) -> None:
        if not os.read(sys.stdin.fileno(), 1024):
            asyncio.get_running_loop().remove_reader(sys.stdin)
            log.warning("the parent is gone")
            self.handle_exit(signal.SIGTERM, None)


def _welcome(url: str, app: FastAPI) -> str:
    names = [model.name for model in app.state.catalog.servable()] or ["NAME"]
    documentation = f"  (documentation: {url}/docs)" if app.openapi_url else ""
    return (
        f"Fovea listens on {url}{documentation}\n"
        f"  curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' "
        f"'{url}/predict?model={names[0]}'"
    )


def serve(settings: Settings, inherited: Sequence[socket.socket] = ()) -> None:
    """Serve until a signal ends it; a worker does so on the sockets that it has ``inherited``.

    Raises:
        KeysError: the file of API keys cannot be used.
    """
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    server = Server(config, app, settings, parent=bool(inherited))
    # From now on, so that no signal is lost; and when uvicorn is done with one it repeats it.
    for number in STOP_SIGNALS:
        signal.signal(number, server.handle_exit)
    server.run(list(inherited) or None)
