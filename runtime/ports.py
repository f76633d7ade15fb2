"""The three ports of a server, free ones on this machine unless told otherwise."""

import secrets
import socket
from dataclasses import dataclass

HOST = "127.0.0.1"
# Below the range Linux gives to outgoing connections (32768 and up): nothing takes one of these by
# chance while a server restarts on it.
CANDIDATES = range(20000, 32768)


@dataclass(frozen=True)
class Ports:
    """Where one server listens on the loopback address."""

    http: int
    grpc: int
    metrics: int

    @classmethod
    def choose(
        cls, http: int | None = None, grpc: int | None = None, metrics: int | None = None
    ) -> "Ports":
        """The ports given, and three different free ones for those left out."""
        free = _free_ports(3, taken={http, grpc, metrics})
        return cls(http or free[0], grpc or free[1], metrics or free[2])


def _free_ports(count: int, taken: set[int | None]) -> list[int]:
    """``count`` ports nobody listens on, none of them in ``taken``."""
    free: list[int] = []
    shuffled = secrets.SystemRandom().sample(CANDIDATES, len(CANDIDATES))
    for port in shuffled:
        if len(free) == count:
            break
        if port not in taken and _is_free(port):
            free.append(port)
    return free


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
