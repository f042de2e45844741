"""The real server in the process of the test, and clients that say exactly what they are told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from exporter.exposition.bodies import Publisher
from exporter.metrics import Family
from exporter.sections.info import INFO
from exporter.snapshot import Snapshot
from exporter.telemetry import Telemetry
from exporter.web.access import Guard
from exporter.web.app import Reload, build_app
from exporter.web.connection import Limits
from exporter.web.page.page import PageContext
from exporter.web.server import Address, serve

SNAPSHOT = Snapshot(datetime(2026, 11, 20, tzinfo=UTC), (Family(INFO, [(("UTC", "scidex"), 1.0)]),), ())
DATA = b'resource_report_info{timezone="UTC",profile="scidex"} 1.0\n'
PATIENCE = 60
"""Seconds after which a test fails that waits for the server."""


@dataclass(frozen=True)
class Answer:
    """A response as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def application(
    guard: Guard,
    *,
    snapshot: Snapshot | None = SNAPSHOT,
    path: str = "/metrics",
    on_reload: Reload | None = None,
    stopping: bool = False,
) -> web.Application:
    """The exporter's own application over a small snapshot."""
    publisher = Publisher(Telemetry("1.2.3", "0123abc"))
    if snapshot:
        publisher.publish(snapshot)
    return build_app(publisher, PageContext("1.2.3", path), guard, on_reload, lambda: stopping)


@asynccontextmanager
async def served(
    guard: Guard | None = None, limits: Limits | None = None, app: web.Application | None = None
) -> AsyncIterator[int]:
    """The port of a real server on 127.0.0.1."""
    guard = guard or Guard()
    async with serve(app or application(guard), Address("127.0.0.1", 0), guard, limits or Limits()) as port:
        yield port


async def connect(port: int, context: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection."""
    return await asyncio.open_connection("127.0.0.1", port, ssl=context)


async def said(port: int, request: bytes, context: ssl.SSLContext | None = None) -> bytes:
    """All that the server says to these bytes until it closes the connection."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await connect(port, context)
        writer.write(request)
        try:
            return await reader.read()
        finally:
            writer.close()


async def ask(
    port: int, path: str = "/metrics", *, context: ssl.SSLContext | None = None, authorization: str | None = None
) -> Answer:
    """A GET."""
    lines = "" if authorization is None else f"Authorization: {authorization}\r\n"
    text = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{lines}\r\n"
    return answer(await said(port, text.encode(), context))


def answer(message: bytes) -> Answer:
    """The first response in what a server said."""
    head, _, body = message.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answer(int(status.split(" ")[1]), headers, body)


def write(path: Path, text: str) -> Guard:
    """The guard that a web configuration makes."""
    path.write_text(text)
    return Guard(path)
