"""The network between the exporter and PostgreSQL: a TCP proxy that can simulate failures."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Final, TypeVar

from psycopg.conninfo import conninfo_to_dict, make_conninfo

T = TypeVar("T")
CHUNK: Final = 65536
SLOW_BYTES: Final = 32
SLOW_SECONDS: Final = 0.001
NO_LINGER: Final = struct.pack("ii", 1, 0)
"""Closing a socket with this option sends RST instead of FIN."""


class Mode(Enum):
    """What the proxy does with data. A new mode also applies to data in transit."""

    WORKING = "data are forwarded"
    SILENT = "connections are accepted, but data are held back until the mode ends"
    RESET = "connections are reset"
    SLOW = "data are forwarded a few bytes at a time"


class Network:
    """A proxy to one PostgreSQL, in its own thread from ``start`` to ``stop``. ``conninfo`` connects through it."""

    def __init__(self, conninfo: str) -> None:
        parts = conninfo_to_dict(conninfo)
        self._conninfo = conninfo
        self._host, self._port = str(parts.get("host", "localhost")), str(parts.get("port", 5432))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")
        self._flows = asyncio.Event()
        self._flows.set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mode = Mode.WORKING

    @property
    def conninfo(self) -> str:
        """The connection string of the same database through the proxy."""
        return make_conninfo(self._conninfo, host="127.0.0.1", port=self._server.sockets[0].getsockname()[1])

    @contextmanager
    def failing(self, mode: Mode) -> Iterator[None]:
        """Use this mode for the duration of the context, for existing and new connections."""
        self._do(self._become(mode))
        try:
            yield
        finally:
            self._do(self._become(Mode.WORKING))

    def start(self) -> None:
        """Start listening."""
        self._thread.start()
        self._server = self._do(self._listen())

    def stop(self) -> None:
        """Close all connections and stop listening."""
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        (self._flows.clear if mode is Mode.SILENT else self._flows.set)()
        for client in self._clients if mode is Mode.RESET else ():
            _reset(client)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, asked: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._mode is Mode.RESET:
            _reset(client)
            return
        task = self._loop.create_task(self._connected(asked, client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, asked: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._clients.add(client)
        try:
            answered, server = await self._upstream()
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(asked, server))
                    both.create_task(self._pump(answered, client))
            finally:
                server.close()
        except* OSError:  # PostgreSQL is down, or one side closed the connection: close the other one
            pass
        finally:
            self._clients.discard(client)
            client.close()

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._host.startswith("/"):
            return await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        return await asyncio.open_connection(self._host, int(self._port))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._flows.wait()
            while self._mode is Mode.SLOW and data:
                writer.write(data[:SLOW_BYTES])
                data = data[SLOW_BYTES:]
                await asyncio.sleep(SLOW_SECONDS)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


def _reset(client: asyncio.StreamWriter) -> None:
    client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    client.transport.abort()


@contextmanager
def network(conninfo: str) -> Iterator[Network]:
    """Start a proxy for the duration of the context. It works until :meth:`Network.failing` is used."""
    way = Network(conninfo)
    way.start()
    try:
        yield way
    finally:
        way.stop()
