"""The network between the exporter and PostgreSQL: a TCP proxy that can stall, and reset connections."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict, make_conninfo

CHUNK: Final = 65536
NO_LINGER: Final = struct.pack("ii", 1, 0)
"""Closing a socket with this option sends RST, not FIN."""


class Network:
    """The way to one PostgreSQL. ``conninfo`` leads over it; it runs in a thread of its own, from ``start`` to ``stop``."""

    def __init__(self, conninfo: str) -> None:
        parts = conninfo_to_dict(conninfo)
        self._server = Path(str(parts["host"])) / f".s.PGSQL.{parts['port']}"
        self._conninfo = conninfo
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="network")
        self._listening = threading.Event()
        self._clients: set[asyncio.StreamWriter] = set()
        self._resets = False

    @property
    def conninfo(self) -> str:
        """The connection string of the same database, over this network."""
        return make_conninfo(self._conninfo, host="127.0.0.1", port=self._port)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Connections can be made and stay, but nothing comes through; at the end it does, all of it."""
        self._call(self._flows.clear)
        try:
            yield
        finally:
            self._call(self._flows.set)

    @contextmanager
    def resetting(self) -> Iterator[None]:
        """Connections are reset, those that there are and each new one."""
        self._call(lambda: self._reset(resets=True))
        try:
            yield
        finally:
            self._call(lambda: self._reset(resets=False))

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._listening.wait()

    def stop(self) -> None:
        """Cut every connection."""
        self._call(self._ended.set)
        self._thread.join()

    def _call(self, what: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(what)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._flows, self._ended = asyncio.Event(), asyncio.Event()
        self._flows.set()
        listener = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port = listener.sockets[0].getsockname()[1]
        self._listening.set()
        await self._ended.wait()
        listener.close()

    def _reset(self, *, resets: bool) -> None:
        self._resets = resets
        for client in self._clients if resets else ():
            _abort(client)

    async def _connected(self, asked: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._resets:
            _abort(client)
            return
        self._clients.add(client)
        with suppress(OSError, asyncio.CancelledError):  # PostgreSQL is down, or the network ends
            answered, server = await asyncio.open_unix_connection(self._server)
            await self._both_ways((asked, server), (answered, client))
        self._clients.discard(client)
        client.close()

    async def _both_ways(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        """When one side hangs up, so does the other."""
        pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for _, writer in ways:
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()


def _abort(client: asyncio.StreamWriter) -> None:
    client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    client.transport.abort()


@contextmanager
def network(conninfo: str) -> Iterator[Network]:
    """A network that works as long as the context lives, until it is told otherwise."""
    way = Network(conninfo)
    way.start()
    try:
        yield way
    finally:
        way.stop()
