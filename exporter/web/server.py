"""Listening: the address as the flag gives it, and the server behind it."""

import logging
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

# Longer than the usual scrape interval of a minute, so that a scraper keeps its connection; silent clients are closed.
_KEEPALIVE_SECONDS = 120
# How long the last scrapes may take to finish when the exporter stops.
_DRAIN_SECONDS = 5

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+|/", re.ASCII)
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>[^\[\]:/\s]*)):(?P<port>\d{1,5})", re.ASCII)


class AddressError(ValueError):
    """A listen address that cannot be understood; the message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: every interface when ``host`` is None, a free port when ``port`` is 0."""

    host: str | None
    port: int


def parse_address(text: str) -> Address:
    """Return the address behind ``host:port``, ``:port`` or ``[ipv6]:port``; raises AddressError."""
    parts = _ADDRESS.fullmatch(text)
    if parts is None:
        raise AddressError(f"--web.listen-address={text}: write host:port, :port or [ipv6]:port, such as :9877 or [::1]:9877")
    port = int(parts["port"])
    if port > 65535:
        raise AddressError(f"--web.listen-address={text}: there is no port {port}; the highest is 65535")
    return Address(parts["ipv6"] or parts["host"] or None, port)


def parse_path(text: str) -> str:
    """Return a path for the metrics as it was given; raises AddressError for one that cannot be, or is taken."""
    if not _PATH.fullmatch(text) or text.startswith("/-/"):
        raise AddressError(f"--web.telemetry-path={text}: write a path such as /metrics; those under /-/ are taken")
    return text


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Whether an error is worth a line: a request that is no HTTP is answered 400, and would fill the log with what it said."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


@asynccontextmanager
async def serve(app: web.Application, address: Address) -> AsyncIterator[int]:
    """Serve the application as long as the context lasts; gives the port that is bound, or raises AddressError."""
    logging.getLogger("aiohttp.server").addFilter(_is_our_fault)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=_KEEPALIVE_SECONDS, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        # TLS and basic auth join here: an ssl_context for the site, a middleware for the application.
        try:
            await _site(runner, address).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            listen = f"--web.listen-address={address.host or ''}:{address.port}"
            raise AddressError(f"{listen}: {reason}; choose another address, or end what has it") from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _site(runner: web.AppRunner, address: Address) -> web.BaseSite:
    if address.host is None and socket.has_dualstack_ipv6():
        # One socket for both families: two would get two ports when asked for a free one.
        return web.SockSite(runner, socket.create_server(("::", address.port), family=socket.AF_INET6, dualstack_ipv6=True))
    return web.TCPSite(runner, address.host, address.port)
