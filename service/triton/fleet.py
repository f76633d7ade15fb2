"""The servers that the settings name; those behind a DNS name come and go with its addresses."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Collection

from service.triton.channel import Access, Channel
from service.triton.endpoint import Endpoint, Health
from service.triton.watcher import Watcher

BY_NAME = "dns:///"
LEAVING_SECONDS = 60.0  # for what is under way at a server whose address has gone

Resolve = Callable[[str], Awaitable[Collection[str]]]
log = logging.getLogger(__name__)


async def resolve(name: str) -> list[str]:
    """The addresses behind ``name``, both host:port; OSError if nobody knows any."""
    host, _, port = name.rpartition(":")
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    hosts = {str(address[0]) for *_, address in found}
    return sorted(f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for ip in hosts)


class Fleet:
    """What is named plainly stays; what is named ``dns:///name:port`` is looked up.

    gRPC could take turns among the addresses of a name by itself, but not tell which of them is
    well: Triton has no `Watch` of gRPC's health protocol. So each address is a server here.
    """

    def __init__(
        self, url: str, access: Access, watcher: Watcher, resolve: Resolve = resolve
    ) -> None:
        self.endpoints: list[Endpoint] = []  # always the same list
        self._access = access
        self._watcher = watcher
        self._resolve = resolve
        self._of_name: dict[str, dict[str, Endpoint]] = {}  # by name and address
        self._leaving: set[asyncio.Task[None]] = set()
        for address in url.split(","):
            if address.startswith(BY_NAME):
                self._of_name[address.removeprefix(BY_NAME)] = {}
            else:
                self.endpoints.append(self._endpoint(address))

    async def refresh(self) -> None:
        """Look the names up; one that nobody knows right now keeps its addresses."""
        for name, known in self._of_name.items():
            try:
                addresses = await self._resolve(name)
            except OSError as error:
                log.warning("%s cannot be resolved: %s", name, error)
                continue
            for address in set(addresses) - known.keys():
                known[address] = self._endpoint(address, name.rpartition(":")[0])
                self.endpoints.append(known[address])
            for address in known.keys() - set(addresses):
                self._let_go(known.pop(address))

    async def close(self) -> None:
        """Close all channels."""
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*(endpoint.close() for endpoint in self.endpoints))

    def _endpoint(self, address: str, name: str = "") -> Endpoint:
        return Endpoint(Channel(address, self._access, name), self._watcher)

    def _let_go(self, endpoint: Endpoint) -> None:
        self.endpoints.remove(endpoint)
        endpoint.become(Health.GONE)
        task = asyncio.create_task(endpoint.close(LEAVING_SECONDS))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
