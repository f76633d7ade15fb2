"""python -m service: build the settings, build the app, run uvicorn."""

import argparse
import asyncio
import signal
import socket
import sys

import uvicorn
from fastapi import FastAPI

from service.app import create_app
from service.connection import Connection
from service.keys import KeysError, Scope, generate
from service.logs import configure
from service.settings import Settings, SettingsError

KEEP_ALIVE_SECONDS = 75  # longer than usual load balancers keep idle connections


class Server(uvicorn.Server):
    """uvicorn, with a line for people at the start and a drain before the end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._app.state.guard.reload)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        print(_welcome(f"http://{host}:{port}", self._app), flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Turn readiness off, serve on for a while, finish what runs, close."""
        self._app.state.draining = True
        await asyncio.sleep(self._drain_seconds)
        await super().shutdown(sockets)


def _welcome(url: str, app: FastAPI) -> str:
    names = [model.name for model in app.state.catalog.servable()] or ["NAME"]
    return (
        f"Fovea listens on {url}  (documentation: {url}/docs)\n"
        f"  curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg' "
        f"'{url}/predict?model={names[0]}'"
    )


def _arguments(argv: list[str]) -> dict[str, object]:
    """The options that were given, by the name of the setting each overrides."""
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="The Fovea gateway. An option wins over its environment variable.",
        epilog=f"environment variables, with their defaults:\n{Settings.table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="overrides FOVEA_HOST")
    parser.add_argument("--port", type=int, help="overrides FOVEA_PORT")
    return {
        name: given for name, given in vars(parser.parse_args(argv)).items() if given is not None
    }


def keygen(argv: list[str]) -> int:
    """Print a fresh API key, and the line for the file of keys."""
    parser = argparse.ArgumentParser(prog="python -m service keygen")
    parser.add_argument("name", help="of the program that will use the key")
    parser.add_argument(
        "--scope", action="append", choices=[scope.value for scope in Scope], required=True
    )
    options = parser.parse_args(argv)
    try:
        key, line = generate(options.name, map(Scope, options.scope))
    except KeysError as error:
        print(f"python -m service keygen: {error}", file=sys.stderr)
        return 2
    print(f"key, shown once:              {key}")
    print(f"line for FOVEA_API_KEYS_FILE: {line}")
    return 0


def main(argv: list[str]) -> int:
    """Serve until a signal ends it; ``keygen NAME --scope SCOPE`` makes an API key instead."""
    if argv[:1] == ["keygen"]:
        return keygen(argv[1:])
    overrides = _arguments(argv)
    try:
        settings = Settings.load(**overrides)
    except SettingsError as error:
        print(f"python -m service: {error}", file=sys.stderr)
        return 2
    configure(settings.log_level)
    try:
        app = create_app(settings)
    except KeysError as error:
        print(f"python -m service: FOVEA_API_KEYS_FILE: {error}", file=sys.stderr)
        return 2
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
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    # uvicorn repeats a signal once it is done with it, when there is nothing left to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    Server(config, app, settings.drain_seconds).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
