"""The network between the exporter and PostgreSQL: a TCP proxy that can fail as networks do."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from psycopg.conninfo import conninfo_to_dict, make_conninfo

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER such that closing a socket sends RST."""
SLOW_BYTES = 32
SLOW_SECONDS = 0.001


class Mode(Enum):
    """What happens to bytes: those under way when the mode changes meet the new one."""

    PASS = "they pass"
    SILENT = "connections are accepted, and nothing ever comes"
    RESET = "connections are reset"
    SLOW = "they come a few at a time"


class Network:
    """The way to one PostgreSQL. ``conninfo`` leads through it."""

    def __init__(self, conninfo: str) -> None:
        parts = conninfo_to_dict(conninfo)
        self._conninfo = conninfo
        self._host, self._port = str(parts.get("host", "localhost")), str(parts.get("port", 5432))
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mode = Mode.PASS

    @property
    def conninfo(self) -> str:
        """The connection string of the same database, through the proxy."""
        return make_conninfo(self._conninfo, host="127.0.0.1", port=self._listening)

    def become(self, mode: Mode) -> None:
        """Change the mode, for the connections that exist too."""
        asyncio.run_coroutine_threadsafe(self._become(mode), self._loop).result()

    def start(self) -> None:
        """Listen."""
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self._listening = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Cut every connection and listen no more."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._connected(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        (self._flows.clear if mode is Mode.SILENT else self._flows.set)()
        if mode is Mode.RESET:
            for client in self._clients:
                _reset(client)

    async def _end(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._mode is Mode.RESET:
            _reset(client)
            return
        self._clients.add(client)
        answers, server = await self._upstream()
        try:
            # TaskGroup: when one side hangs up, so does the other.
            with suppress(ExceptionGroup, ConnectionError):
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, server))
                    both.create_task(self._pump(answers, client))
        finally:
            self._clients.discard(client)
            for writer in (client, server):
                writer.transport.abort()

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._host.startswith("/"):
            return await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        return await asyncio.open_connection(self._host, int(self._port))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._flows.wait()
            while self._mode is Mode.SLOW and data:
                writer.write(data[:SLOW_BYTES])
                data = data[SLOW_BYTES:]
                await asyncio.sleep(SLOW_SECONDS)
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    writer.transport.abort()


@contextmanager
def network(conninfo: str) -> Iterator[Network]:
    """A network that works, until it is told otherwise."""
    way = Network(conninfo)
    way.start()
    way.become(Mode.PASS)
    try:
        yield way
    finally:
        way.stop()
