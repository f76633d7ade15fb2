"""What a connection may cost before there is a request: bytes and seconds of its head.

With httptools, uvicorn limits neither (github.com/Kludex/uvicorn/issues/157): a head may grow
without end, and one that comes a byte a minute is waited for, as is one that never comes
(Slowloris). Its keep-alive timer runs between requests alone and stops at the first byte.
"""

import asyncio
from collections.abc import Iterable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CLOSE = (b"connection", b"close")  # a header that tells the caller to open another one next time
MOST_HEAD_BYTES = 32_768  # as nginx: four buffers of 8 KiB
HEAD_SECONDS = 10.0


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, closed when a head is too long or nothing complete comes in time.

    The clock runs while no request is being answered, from the connection's start or from the first
    byte on. The body of a request that is being answered is the application's to wait for.
    """

    _timer: asyncio.TimerHandle | None = None
    _in_head = True
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then see whether that was the end of a head."""
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._start_timer()
        else:
            self._stop_timer()
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        if self._head_bytes > MOST_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """It is complete."""
        self._in_head = False
        super().on_headers_complete()

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def say_goodbye(connections: Iterable[asyncio.Protocol]) -> None:
    """Have answers that have not begun be the last of their connections, and say so.

    One that has begun without saying so may not: its caller may send the next request any moment.
    """
    for connection in connections:
        cycle = connection.cycle if isinstance(connection, Connection) else None
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False
