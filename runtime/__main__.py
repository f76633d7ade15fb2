"""`python -m runtime`: serve a model repository with Triton, and run one command beside it."""

import argparse
import re
import sys
from pathlib import Path

from runtime.errors import TritonError
from runtime.launch import TritonConfig, default_threads
from runtime.ports import HOST, Ports
from runtime.server import TritonProcess
from runtime.supervise import Supervisor

EVERYWHERE = "0.0.0.0"  # noqa: S104  asked for where a container is the machine


def parse(arguments: list[str]) -> tuple[TritonConfig, list[str]]:
    """The server's settings, and the command after `--`."""
    parser = argparse.ArgumentParser(
        prog="python -m runtime",
        description=__doc__,
        usage="%(prog)s --repository DIR [options] [-- COMMAND ...]",
        epilog="The command finds Triton's gRPC address in FOVEA_TRITON_URL.",
    )
    parser.add_argument("--repository", type=Path, required=True, metavar="DIR")
    parser.add_argument("--models", default="", metavar="A,B", help="default: all")
    for protocol in ("http", "grpc", "metrics"):
        parser.add_argument(f"--{protocol}-port", type=int, metavar="N", help="default: a free one")
    parser.add_argument(
        "--address", choices=(HOST, EVERYWHERE), default=HOST, help="default: %(default)s"
    )
    parser.add_argument(
        "--secret-file",
        type=_secret,
        metavar="FILE",
        help="KEY=SECRET that all but health asks for",
    )
    parser.add_argument(
        "--threads", type=int, default=default_threads(), metavar="N", help="default: %(default)s"
    )
    ours, command = _split(arguments)
    options = parser.parse_args(ours)
    config = TritonConfig(
        repository=options.repository,
        models=tuple(name for name in options.models.split(",") if name),
        ports=Ports.choose(options.http_port, options.grpc_port, options.metrics_port),
        address=options.address,
        secret=options.secret_file,
        threads=options.threads,
    )
    return config, command


def _secret(file: str) -> str:
    """The KEY=SECRET that ``file`` holds."""
    try:
        secret = Path(file).read_text().strip()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{file}: {error.strerror}") from None
    if not re.fullmatch(r"[^\s=:]+=\S+", secret):
        raise argparse.ArgumentTypeError(f"{file} must hold KEY=SECRET")
    return secret


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments before and after the first `--`."""
    if "--" not in arguments:
        return arguments, []
    middle = arguments.index("--")
    return arguments[:middle], arguments[middle + 1 :]


def say(line: str) -> None:
    """Show a line of progress at once, also through a pipe."""
    print(f"runtime: {line}", flush=True)


def main() -> int:
    """The command's exit status, or 1 with a message when Triton cannot run."""
    config, command = parse(sys.argv[1:])
    try:
        return Supervisor(TritonProcess(config), command, say).run()
    except TritonError as error:
        print(f"runtime: {error}", file=sys.stderr, flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
