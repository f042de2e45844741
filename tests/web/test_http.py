"""Whatever clients send: an answer as HTTP has it, no word in the log, and the next scrape as ever."""

import logging

import pytest

from exporter.web.connection import Limits
from tests.web.serving import DATA, answer, ask, said, served

END = b"Host: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "line, status",
    [
        (b"GET /metrics HTTP/1.1", 200),
        (b"GET /metrics?name=x&y HTTP/1.1", 200),
        (b"GET /%6Detrics HTTP/1.1", 200),
        (b"GET http://exporter.example/metrics HTTP/1.1", 200),
        (b"GET //metrics HTTP/1.1", 404),
        (b"GET /metrics/ HTTP/1.1", 404),
        (b"GET /x/../metrics HTTP/1.1", 404),
        (b"GET /x/%2e%2e/metrics HTTP/1.1", 404),
        (b"GET /../../etc/passwd HTTP/1.1", 404),
        (b"GET /metrics%00 HTTP/1.1", 404),
        (b"GET /%zz HTTP/1.1", 404),
        (b"CONNECT exporter.example:443 HTTP/1.1", 404),
        (b"GET /metrics\0 HTTP/1.1", 400),
        (b"GET metrics HTTP/1.1", 400),
        (b"GET http://[::1/metrics HTTP/1.1", 400),
        (b"GET /m\xc3\xa9 HTTP/1.1", 400),
        (b"GET /metrics HTTP/3.0", 400),
        (b"BREW /metrics HTTP/1.1", 400),
        (b"PRI * HTTP/2.0", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"PROPFIND /metrics HTTP/1.1", 405),
        (b"OPTIONS /metrics HTTP/1.1", 405),
        (b"TRACE /metrics HTTP/1.1", 405),
        (b"PUT /metrics HTTP/1.1", 405),
        (b"HEAD /-/reload HTTP/1.1", 405),
        (b"GET /" + b"secret" * 4000 + b" HTTP/1.1", 400),
    ],
)
async def test_request_lines(caplog: pytest.LogCaptureFixture, line: bytes, status: int) -> None:
    with caplog.at_level(logging.INFO):
        async with served() as port:
            got = answer(await said(port, line + b"\r\n" + END))
            assert (await ask(port)).status == 200
    assert got.status == status
    assert (DATA in got.body) == (status == 200)
    assert ("Allow" in got.headers) == (status == 405)
    assert caplog.records == []


@pytest.mark.parametrize(
    "head, status",
    [
        (b"", 200),
        (b"Accept: \xff;;q=zz\r\n", 200),
        (b"Connection: Upgrade\r\nUpgrade: h2c\r\n", 200),
        (b"Host: a\r\nHost: b\r\n", 400),
        (b"no header secret\r\n", 400),
        (b"X: a\0secret\r\n", 400),
        (b"X: " + b"secret" * 4000 + b"\r\n", 400),
        (b"".join(b"X-%d: secret\r\n" % number for number in range(200)), 400),
        (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Content-Length: -1\r\n", 400),
        (b"Expect: the secret\r\n", 417),
    ],
)
async def test_heads(caplog: pytest.LogCaptureFixture, head: bytes, status: int) -> None:
    with caplog.at_level(logging.INFO):
        async with served() as port:
            got = answer(await said(port, b"GET /metrics HTTP/1.1\r\n" + head + END))
            assert (await ask(port)).status == 200
    assert got.status == status
    assert caplog.records == []


@pytest.mark.parametrize("connection", [b"", b"Connection: keep-alive\r\n"])
async def test_http_1_0_needs_no_host(connection: bytes) -> None:
    async with served(limits=Limits(idle=0.1)) as port:
        got = await said(port, b"GET /metrics HTTP/1.0\r\n" + connection + b"\r\n")
    assert answer(got).status == 200
    assert got.startswith(b"HTTP/1.0 ")


async def test_a_client_that_asks_whether_to_go_on_is_answered() -> None:
    head = b"GET /metrics HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
    async with served() as port:
        got = await said(port, head + END + b"abc")
    first, _, rest = got.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 100 Continue"
    assert answer(rest).status == 200


async def test_pipelined_requests_are_answered_in_order() -> None:
    paths = ["/-/healthy", "/-/ready", "/nowhere"] * 40
    requests = b"".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for path in paths)
    async with served(limits=Limits(idle=0.2)) as port:
        got = await said(port, requests)
    statuses = [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 200, 404] * 40


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 5\r\n\r\nhello",
        b"Content-Length: 500000\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
async def test_a_body_changes_nothing(caplog: pytest.LogCaptureFixture, body: bytes) -> None:
    async with served(limits=Limits(body=0.1, idle=0.1)) as port:
        got = await said(port, b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + body)
    assert answer(got).status == 200
    assert got.count(b"HTTP/1.1 ") == 1
    assert caplog.records == []


@pytest.mark.parametrize("chunk", [b"zz secret\r\n", b"5\r\nhello secret\r\n"])
async def test_a_broken_body_leaves_no_word_in_the_log(caplog: pytest.LogCaptureFixture, chunk: bytes) -> None:
    head = b"GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with served(limits=Limits(body=0.1, idle=0.1)) as port:
        await said(port, head + chunk)
        await said(port, head + b"5\r\nhello\r\n" + chunk)
    assert caplog.records == []
