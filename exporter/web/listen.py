"""Accepting connections: a bounded number, each with the TLS of the moment."""

import asyncio
import errno
import socket
from asyncio.sslproto import SSLProtocol
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import structlog
from aiohttp import web

from exporter.web.access import Guard
from exporter.web.connection import Connection, Limits
from exporter.web.gate import complete

log = structlog.get_logger()

_RETRY_SECONDS = 0.1
_QUIET_SECONDS = 60
# Bytes of a connection that wait in the kernel, and so the most that are read at a time.
_RECEIVED = 16 << 10
# asyncio takes 256 kB for each connection over TLS to read into.
SSLProtocol.max_size = _RECEIVED


async def bind(host: str | None, port: int) -> list[socket.socket]:
    """Listen on every address of the host, or on every interface; port 0 is a free one, the same for all; raises OSError."""
    if host is None:
        dual = socket.has_dualstack_ipv6()
        family = socket.AF_INET6 if dual else socket.AF_INET
        return [_modest(socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=socket.SOMAXCONN))]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    with ExitStack() as stack:
        for family, address in dict.fromkeys((family, address) for family, *_, address in found):
            with _usable(last=not sockets and address == found[-1][-1]):
                made = socket.create_server((address[0], port, *address[2:]), family=family, backlog=socket.SOMAXCONN)
                sockets.append(stack.enter_context(_modest(made)))
                port = made.getsockname()[1]
        stack.pop_all()
    return sockets


def _modest(made: socket.socket) -> socket.socket:
    """Bound what the kernel takes of each connection that it accepts."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED)
    return made


@contextmanager
def _usable(*, last: bool) -> Iterator[None]:
    """Pass over an address that the machine lacks, as ::1 for localhost without IPv6, unless it is the last hope."""
    try:
        yield
    except OSError as error:
        if last or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise


class Reception:
    """Sees connections through, from accept to their end.

    When there are as many as may be, the oldest is closed for a new one: a scraper that was idle comes back by itself, and
    clients that hold on to their places cannot keep anybody out.
    """

    def __init__(self, server: web.Server, guard: Guard, limits: Limits) -> None:
        self._server = server
        self._guard = guard
        self._limits = limits
        self._open: dict[asyncio.Task[None], None] = {}
        self._quiet_until = 0.0

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections for ever. When file descriptors run out, the older half of the connections is closed."""
        listening.settimeout(0)
        while True:
            try:
                accepted, _ = await asyncio.get_running_loop().sock_accept(listening)
            except OSError as error:
                self._warn(error)
                await self._make_room(len(self._open) // 2)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                await self._make_room(self._limits.connections - 1)
                self._admit(accepted)
                await asyncio.sleep(0)  # those that are connected have their turn

    async def close(self) -> None:
        """Close all connections."""
        await self._make_room(0)

    def _warn(self, error: OSError) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            log.warning("cannot accept connections, closing the older half of them", error=error.strerror)
            self._quiet_until = now + _QUIET_SECONDS

    async def _make_room(self, most: int) -> None:
        """Close the oldest connections until there are ``most`` left."""
        oldest = list(self._open)[: max(len(self._open) - most, 0)]
        for task in oldest:
            task.cancel()
        if oldest:
            await asyncio.wait(oldest)

    def _complete(self, response: web.StreamResponse) -> None:
        complete(response, self._guard.access)

    def _admit(self, accepted: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._attend(accepted))
        self._open[task] = None
        task.add_done_callback(self._open.pop)

    async def _attend(self, accepted: socket.socket) -> None:
        loop, lost, context = asyncio.get_running_loop(), asyncio.Event(), self._guard.access.tls
        timeout = self._limits.handshake if context else None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: Connection(self._server, self._limits, self._complete, lost.set),
                accepted,
                ssl=context,
                ssl_handshake_timeout=timeout,
                ssl_shutdown_timeout=timeout,
            )
        except OSError as error:
            log.debug("handshake failed", error=str(error) or type(error).__name__)
            return
        if context:
            cast("Any", transport).set_read_buffer_limits(_RECEIVED)  # those of TLS alone have it
        try:
            await lost.wait()
        finally:
            transport.abort()
