"""python -m service: read the settings, then serve, or be the parent of those who do.

The gateway itself is imported where it is run: a parent, and `--help`, need none of it.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.logs import configure
from service.settings import Settings, SettingsError
from service.workers import supervise


def _arguments(argv: list[str]) -> dict[str, Any]:
    """The options that were given: but for ``fd``, by the name of the setting each overrides."""
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="The Fovea gateway. An option wins over its environment variable.",
        epilog=f"environment variables, with their defaults:\n{Settings.table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", help="overrides FOVEA_HOST")
    parser.add_argument("--port", type=int, help="overrides FOVEA_PORT")
    parser.add_argument("--workers", type=int, help="overrides FOVEA_WORKERS")
    # What a parent gives a worker: the sockets to accept from.
    parser.add_argument("--fd", type=int, action="append", default=[], help=argparse.SUPPRESS)
    return {
        name: given for name, given in vars(parser.parse_args(argv)).items() if given is not None
    }


def keygen(argv: list[str]) -> int:
    """Print a fresh API key, and the line for the file of keys."""
    from service.keys import KeysError, Scope, generate  # noqa: PLC0415

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


def routes(argv: list[str]) -> int:
    """Say whether a routing file is right, with each fault's line, before it is deployed."""
    from service.routing.check import check  # noqa: PLC0415
    from service.routing.parse import RoutesError  # noqa: PLC0415

    parser = argparse.ArgumentParser(prog="python -m service routes")
    parser.add_argument("command", choices=["check"], help="say whether FILE would be accepted")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--model-repository",
        type=Path,
        metavar="DIR",
        help="folder of models as Triton's, to be warned of targets that it does not have",
    )
    options = parser.parse_args(argv)
    repository = options.model_repository
    if repository is not None and not repository.is_dir():
        parser.error(f"{repository} is no folder")
    try:
        summary, warnings = check(options.file, repository)
    except RoutesError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return 1
    print("\n".join(summary))
    for warning in warnings:
        print(warning, file=sys.stderr)
    return 0


def serve(settings: Settings, inherited: Sequence[int]) -> int:
    """Serve until a signal ends it; a worker does so on the sockets that it has ``inherited``."""
    from service import server  # noqa: PLC0415
    from service.keys import KeysError  # noqa: PLC0415
    from service.routing.parse import RoutesError  # noqa: PLC0415

    sockets = [socket.socket(fileno=number) for number in inherited]
    try:
        server.serve(settings.of_one_worker(), sockets)
    except KeysError as error:
        print(f"python -m service: FOVEA_API_KEYS_FILE: {error}", file=sys.stderr)
        return 2
    except RoutesError as error:
        print(f"python -m service: FOVEA_ROUTES_FILE: {error}", file=sys.stderr)
        return 2
    return 0


def main(argv: list[str]) -> int:
    """Serve until a signal ends it, unless there is a command: ``keygen`` or ``routes``."""
    if argv[:1] == ["keygen"]:
        return keygen(argv[1:])
    if argv[:1] == ["routes"]:
        return routes(argv[1:])
    overrides = _arguments(argv)
    inherited = overrides.pop("fd")
    try:
        settings = Settings.load(**overrides)
    except SettingsError as error:
        print(f"python -m service: {error}", file=sys.stderr)
        return 2
    configure(settings.log_level)
    if inherited or settings.workers == 1:
        return serve(settings, inherited)
    try:
        return asyncio.run(supervise(settings))
    except OSError as error:
        print(f"python -m service: {error.strerror}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
