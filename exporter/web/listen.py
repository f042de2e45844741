"""Accept a bounded number of connections, each with the current TLS settings."""

import asyncio
import errno
import socket
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, cast

import structlog
from aiohttp import web

from exporter.web.access import Guard
from exporter.web.connection import Connection, Limits
from exporter.web.gate import add_headers

log = structlog.get_logger()

_RETRY_SECONDS = 0.1
_QUIET_SECONDS = 60
# Bytes of the receive buffer of each connection in the kernel; no more are read at a time.
_RECEIVED = 16 << 10
# Bytes read at a time from a TLS connection. By default, asyncio allocates 256 kB for each.
_DECRYPTED = 8 << 10
SSLProtocol.max_size = _DECRYPTED


async def bind(host: str | None, port: int) -> list[socket.socket]:
    """Listen on every address of the host; None means every interface, port 0 one free port for all. Raises OSError."""
    if host is None:
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        return [_small_buffer(socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=socket.SOMAXCONN))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    with ExitStack() as stack:
        for family, address in dict.fromkeys((family, address) for family, *_, address in found):
            with _skip_missing(last=not sockets and address == found[-1][-1]):
                made = socket.create_server((address[0], port, *address[2:]), family=family, backlog=socket.SOMAXCONN)
                sockets.append(stack.enter_context(_small_buffer(made)))
                port = made.getsockname()[1]
        stack.pop_all()
    return sockets


def _small_buffer(made: socket.socket) -> socket.socket:
    """Set the receive buffer that accepted connections inherit."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
    return made


@contextmanager
def _skip_missing(*, last: bool) -> Iterator[None]:
    """Ignore an address that the machine does not have, such as ::1 without IPv6, unless no other is left."""
    try:
        yield
    except OSError as error:
        if last or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise


class ConnectionPool:
    """The open connections.

    At the limit, a new connection replaces the oldest: an idle scraper reconnects by itself, and clients that keep connections
    open cannot block others.
    """

    def __init__(self, server: web.Server, guard: Guard, limits: Limits) -> None:
        self._server = server
        self._guard = guard
        self._limits = limits
        self._open: dict[asyncio.Task[None], None] = {}
        self._quiet_until = 0.0

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections until cancelled. Without free file descriptors, close the older half of the connections."""
        listening.settimeout(0)
        while True:
            try:
                accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            except OSError as error:
                self._warn(error)
                await self._close_oldest(len(self._open) // 2)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                await self._close_oldest(self._limits.connections - 1)
                self._start(accepted)
                await asyncio.sleep(0)  # let the open connections run

    async def close(self) -> None:
        """Close all connections."""
        await self._close_oldest(0)

    def _warn(self, error: OSError) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            log.warning("cannot accept connections, closing the older half of them", error=error.strerror)
            self._quiet_until = now + _QUIET_SECONDS

    async def _close_oldest(self, most: int) -> None:
        """Close the oldest connections until ``most`` are left."""
        oldest = list(self._open)[: max(len(self._open) - most, 0)]
        for task in oldest:
            task.cancel()
        if oldest:
            await asyncio.wait(oldest)

    def _start(self, accepted: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(accepted))
        self._open[task] = None
        task.add_done_callback(self._open.pop)

    async def _serve(self, accepted: socket.socket) -> None:
        loop, lost, context = asyncio.get_running_loop(), asyncio.Event(), self._guard.access.tls
        timeout = self._limits.handshake if context else None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: Connection(self._server, self._limits, partial(add_headers, self._guard), lost.set),
                accepted,
                ssl=context,
                ssl_handshake_timeout=timeout,
                ssl_shutdown_timeout=timeout,
            )
        except OSError as error:
            log.debug("handshake failed", error=str(error) or type(error).__name__)
            return
        if context:
            cast("Any", transport).set_read_buffer_limits(_DECRYPTED)  # only the transports of TLS have it
        try:
            await lost.wait()
        finally:
            transport.abort()
