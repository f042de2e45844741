"""Clients that are slow, silent or many, against a server with little patience."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from exporter.web.access import Guard
from exporter.web.connection import Limits
from tests.waiting import until_async
from tests.web.serving import PATIENCE, ask, connect, said, served

SHORT = 0.2
HEAD = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"
# More than the kernel takes off a server's hands.
LARGE = bytes(64 << 20)


@asynccontextmanager
async def client(port: int, request: bytes = b"") -> AsyncIterator[socket.socket]:
    """A client that reads nothing, and has no room for what it is sent."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(one, ("127.0.0.1", port))
        await loop.sock_sendall(one, request)
        yield one


async def pour(one: socket.socket, message: bytes) -> None:
    """Send the message over and over until the server has had enough."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await asyncio.get_running_loop().sock_sendall(one, message)


async def as_many_tasks_as(before: int) -> bool:
    return len(asyncio.all_tasks()) <= before


def large(asked: asyncio.Event) -> web.Application:
    async def answer(_request: web.Request) -> web.Response:
        asked.set()
        return web.Response(body=LARGE)

    app = web.Application()
    app.router.add_get("/metrics", answer)
    return app


@pytest.mark.parametrize("request_", [b"", b"G", b"\r\n", HEAD, HEAD + b"X: y"])
async def test_a_request_that_does_not_come_is_not_waited_for(request_: bytes) -> None:
    async with served(limits=Limits(request=SHORT)) as port:
        assert await said(port, request_) == b""


async def test_a_request_that_drips_in_is_not_waited_for() -> None:
    async with served(limits=Limits(request=SHORT)) as port:
        reader, writer = await connect(port)
        writer.write(HEAD + b"X: ")
        end = asyncio.ensure_future(reader.read())
        async with asyncio.timeout(PATIENCE):
            while not end.done():
                writer.write(b"a")
                await asyncio.wait([end], timeout=0.01)
        with suppress(ConnectionResetError):  # which is what a client sees that was still sending
            assert end.result() == b""
        writer.close()


async def test_an_idle_connection_is_closed() -> None:
    async with served(limits=Limits(idle=SHORT)) as port:
        assert b"\r\n\r\nhealthy\n" in await said(port, b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")


async def test_half_a_second_request_is_not_waited_for_either() -> None:
    async with served(limits=Limits(request=SHORT)) as port:
        reader, writer = await connect(port)
        writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"healthy\n")).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.write(HEAD)
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()


HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("behind", [b"G", HEAD, HEALTHY + HEAD, HEALTHY * 50 + HEAD], ids=["byte", "half", "second", "many"])
async def test_half_a_request_that_came_with_the_one_before_is_not_waited_for(behind: bytes) -> None:
    async with served(limits=Limits(request=SHORT)) as port:
        got = await said(port, HEALTHY + behind)
    assert got.count(b"\r\n\r\nhealthy\n") == 1 + behind.count(HEALTHY)


async def test_a_request_behind_an_answered_one_has_its_own_time_to_be_answered() -> None:
    async def forever(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async def healthy(_request: web.Request) -> web.Response:
        return web.Response(text="healthy\n")

    app = web.Application()
    app.router.add_get("/metrics", forever)
    app.router.add_get("/-/healthy", healthy)
    async with served(limits=Limits(request=SHORT), app=app) as port:
        assert (await said(port, HEALTHY + HEAD + b"\r\n" + HEALTHY)).count(b"HTTP/1.1 ") == 1


def head(lines: int) -> bytes:
    return HEAD + b"".join(b"X-%d: " % number + b"a" * 1000 + b"\r\n" for number in range(lines))


async def test_a_head_that_is_too_long_is_refused_before_it_ends() -> None:
    async with served(limits=Limits(request=10 * PATIENCE)) as port:
        assert (await said(port, head(17))).endswith(b"\r\n\r\n400: Bad Request\n")


@pytest.mark.parametrize("end", [b"\r\n", b""], ids=["whole", "half"])
async def test_so_is_one_behind_another_request(end: bytes) -> None:
    async with served(limits=Limits(request=10 * PATIENCE, idle=10 * PATIENCE)) as port:
        with suppress(ConnectionResetError):  # a client may see this first that has more to send
            assert b"HTTP/1.1 400 Bad Request\r\n" in await said(port, HEALTHY + head(60) + end)


@pytest.mark.parametrize("message", [HEALTHY, HEAD + b"X: " + b"a" * 8000 + b"\r\nY: " + b"b" * 6000 + b"\r\n\r\n"])
async def test_requests_in_a_row_are_all_answered_however_many_bytes_they_are(message: bytes) -> None:
    async with served(limits=Limits(request=10 * PATIENCE, idle=10 * PATIENCE)) as port:
        got = await said(port, message * 200 + HEALTHY[:-2] + b"Connection: close\r\n\r\n")
    assert got.count(b"HTTP/1.1 200 OK\r\n") == 201


async def test_a_head_may_be_as_long_as_is_said() -> None:
    async with served() as port:
        got = await said(port, head(15) + b"Connection: close\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_second_request_may_come_later_than_a_request_may_take() -> None:
    """Between two scrapes the clock of the first does not run on."""
    async with served(limits=Limits(request=SHORT)) as port:
        reader, writer = await connect(port)
        for _ in range(2):
            writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"healthy\n")
            assert await said(port, b"") == b""  # which takes as long as the limit
        writer.close()


async def test_an_answer_that_is_not_taken_is_given_up() -> None:
    asked = asyncio.Event()
    async with served(limits=Limits(answer=SHORT), app=large(asked)) as port:
        before = len(asyncio.all_tasks())
        async with client(port, HEAD + b"\r\n"), asyncio.timeout(PATIENCE):
            await asked.wait()
            await until_async(lambda: as_many_tasks_as(before))


async def test_answers_that_are_asked_for_and_not_taken_are_given_up() -> None:
    async with served(limits=Limits(answer=SHORT)) as port, client(port) as one:
        with pytest.raises(ConnectionError):
            await pour(one, (HEAD + b"\r\n") * 100)


async def test_an_answer_that_is_taken_slowly_but_in_time_arrives_whole() -> None:
    async with served(app=large(asyncio.Event())) as port:
        assert len((await ask(port)).body) == len(LARGE)


async def test_a_body_without_end_is_not_read_to_it() -> None:
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    async with served(limits=Limits(body=SHORT, request=SHORT)) as port, client(port, head) as one:
        with pytest.raises(ConnectionError):
            await pour(one, b"10000\r\n" + bytes(0x10000) + b"\r\n")


async def test_a_new_connection_takes_the_place_of_the_oldest() -> None:
    async with served(limits=Limits(connections=3)) as port:
        streams = [await connect(port) for _ in range(3)]
        assert (await ask(port)).status == 200
        assert await streams[0][0].read() == b""
        for reader, writer in streams[1:]:
            writer.write(b"GET /-/healthy HTTP/1.0\r\n\r\n")
            assert (await reader.read()).endswith(b"healthy\n")
        for _, writer in streams:
            writer.close()


async def test_a_flood_of_silent_clients_keeps_nobody_out() -> None:
    before = len(asyncio.all_tasks())
    async with served(limits=Limits(connections=10)) as port:
        streams = [await connect(port) for _ in range(100)]
        assert (await ask(port)).status == 200
        assert len(asyncio.all_tasks()) - before < 10 * 4
        for _, writer in streams:
            writer.close()


async def test_connections_leave_nothing_behind() -> None:
    async with served() as port:
        before = len(asyncio.all_tasks())
        for number in range(300):
            await said(port, b"GET /metrics HTTP/1.0\r\n\r\n" if number % 3 else b"nonsense\r\n\r\n")
        await until_async(lambda: as_many_tasks_as(before))


async def test_a_client_that_left_is_not_checked_any_more() -> None:
    asked = asyncio.Event()

    async def forever(_request: web.Request) -> web.Response:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return web.Response()

    ended, app = asyncio.Event(), web.Application()
    app.router.add_get("/metrics", forever)
    async with served(Guard(), app=app) as port:
        _, writer = await connect(port)
        writer.write(HEAD + b"\r\n")
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
            writer.close()
            await ended.wait()
