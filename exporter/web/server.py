"""The address from the flag, and the server that listens on it."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast

import structlog
from aiohttp import web

from exporter.web.access import Guard
from exporter.web.connection import Limits
from exporter.web.listen import ConnectionPool, bind

log = structlog.get_logger()

LIMITS = Limits()
_FOLLOW_SECONDS = 1

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+|/", re.ASCII)
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>[^\[\]:/\s]*)):(?P<port>\d{1,5})", re.ASCII)


class AddressError(ValueError):
    """A listen address that cannot be used; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. ``host`` None means every interface, ``port`` 0 a free port."""

    host: str | None
    port: int


def parse_address(text: str) -> Address:
    """Parse ``host:port``, ``:port`` or ``[ipv6]:port``; raises AddressError."""
    parts = _ADDRESS.fullmatch(text)
    if parts is None:
        raise AddressError(f"--web.listen-address={text}: write host:port, :port or [ipv6]:port, such as :9877 or [::1]:9877")
    port = int(parts["port"])
    if port > 65535:
        raise AddressError(f"--web.listen-address={text}: there is no port {port}; the highest is 65535")
    return Address(parts["ipv6"] or parts["host"] or None, port)


def parse_path(text: str) -> str:
    """Return the path of the metrics unchanged; raises AddressError if it is invalid or reserved."""
    if not _PATH.fullmatch(text) or text.startswith("/-/"):
        raise AddressError(f"--web.telemetry-path={text}: write a path such as /metrics; paths under /-/ are reserved")
    return text


@asynccontextmanager
async def serve(app: web.Application, address: Address, guard: Guard, limits: Limits = LIMITS) -> AsyncIterator[int]:
    """Serve the application while the context lasts. Yields the port; raises AddressError if it cannot listen.

    The files of ``guard`` are checked every second. A change applies to new connections.
    """
    # Cancellation: the password of a client that disconnected is not checked any further.
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=limits.drain)
    await runner.setup()
    pool = ConnectionPool(cast("web.Server", runner.server), guard, limits)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(pool.close)
        stack.push_async_callback(runner.cleanup)
        sockets = [stack.enter_context(each) for each in await listen(address)]
        for job in (*map(pool.accept, sockets), _follow(guard)):
            stack.push_async_callback(_end, asyncio.create_task(job))
        _warn_if_open(guard, sockets)
        yield sockets[0].getsockname()[1]


async def listen(address: Address) -> list[socket.socket]:
    """Listen on every address of the flag; the caller closes the sockets. Raises AddressError if one cannot be used."""
    try:
        return await bind(address.host, address.port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
    listen = f"--web.listen-address={address.host or ''}:{address.port}"
    raise AddressError(f"{listen}: {reason}; fix: choose another address, or stop the program that uses it")


async def _follow(guard: Guard) -> None:
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        guard.follow()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _warn_if_open(guard: Guard, sockets: list[socket.socket]) -> None:
    if not guard.access.authenticates and not all(ip_address(each.getsockname()[0]).is_loopback for each in sockets):
        log.warning(
            "no authentication: everyone who can reach the port can read the metrics;"
            " fix: set basic_auth_users, or listen on a loopback address"
        )
