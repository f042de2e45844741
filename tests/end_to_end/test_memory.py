"""Hundreds of abusive clients of the real process with ten thousand series: its memory stays within a limit."""

import asyncio
import gzip
import re
import signal
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import psycopg
import pytest

from tests.end_to_end.process import LEDGERS, Exporter, serving
from tests.waiting import PAUSE

pytestmark = [pytest.mark.slow, pytest.mark.prometheus("openssl")]

SERIES = """
INSERT INTO cost_ledger (created_at, provider, model, quest_id, task_id, cost_usd, input_tokens, output_tokens)
SELECT now(), 'p' || n % 10, 'm' || n % 41, 'q' || n % 200, 't' || n, 0.01 * n, n, n FROM generate_series(1, 2300) AS n
"""
MEGABYTE = 10**6
PATIENCE = 4
"""Seconds for which a client sends as much as the exporter accepts."""
HEAD = b"Host: a\r\nAuthorization: Basic " + b64encode(b"prometheus:hunter2") + b"\r\n"
GET = b"GET /metrics HTTP/1.1\r\n" + HEAD
LONG = b"".join(b"X-%d: " % number + b"a" * 8_000 + b"\r\n" for number in range(62))
# Each of these characters takes four bytes in a Python string.
WIDE = b"".join(b"X-%d: " % number + "\N{ROCKET}".encode() + b"a" * 8_000 + b"\r\n" for number in range(62))
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
WEB = """\
tls_server_config: {cert_file: server.crt, key_file: server.key}
basic_auth_users: {prometheus: $2b$04$ATaZeBhn0EkHi2zK8sbIc.pnjjJaxs9FOsXwf5FwdaGu73lTUZtyW}
"""


@pytest.fixture(params=["plain", "tls"])
def exporter(request: pytest.FixtureRequest, certificates: Path, database: str) -> Iterator[Exporter]:
    """An exporter with ten thousand series, with or without TLS."""
    with psycopg.connect(database) as connection:
        connection.execute(SERIES)
    (certificates / "web.yml").write_text(WEB if request.param == "tls" else "{}")
    context = ssl.create_default_context(cafile=certificates / "server.crt") if request.param == "tls" else None
    flags = [f"--web.config.file={certificates / 'web.yml'}"]
    authorization = "Basic " + b64encode(b"prometheus:hunter2").decode()
    with serving(certificates, database, LEDGERS, flags=flags, context=context, authorization=authorization) as exporter:
        assert len(exporter.data()) > 10_000
        yield exporter
        assert "Traceback" not in exporter.log.read_text()


def peak(exporter: Exporter) -> int:
    """The peak resident memory in bytes."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{exporter.process.pid}/status").read_text())[0]) * 1024


async def pour(exporter: Exporter, first: bytes, again: bytes, most: int) -> None:
    """Send as much as the exporter accepts, up to ``most`` bytes, and read nothing."""
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", exporter.port, ssl=exporter.context)
        cast("asyncio.Transport", writer.transport).pause_reading()
        writer.write(first)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                for _ in range(0, most, max(len(again), 1)):
                    writer.write(again)
                    await writer.drain()
                    await asyncio.sleep(0)  # lets the timeout expire
                await asyncio.Event().wait()
        writer.transport.abort()


async def crowd(exporter: Exporter, clients: int, first: bytes, again: bytes, most: int) -> None:
    """Run this many clients at the same time."""
    await asyncio.gather(*(pour(exporter, first, again, most) for _ in range(clients)))


@pytest.mark.parametrize(
    "clients, first, again, most",
    [
        pytest.param(500, b"", (GET + b"\r\n") * 100, MEGABYTE, id="scrapes in a row"),
        pytest.param(500, b"", (b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n") * 100, MEGABYTE, id="pages in a row"),
        pytest.param(500, GET + LONG, b"", 1, id="half a long head"),
        pytest.param(500, GET + b"\r\n", GET + LONG + b"\r\n", MEGABYTE, id="long heads in a row"),
        pytest.param(500, GET + b"\r\n", GET + WIDE + b"\r\n", MEGABYTE, id="wide heads in a row"),
        pytest.param(500, GET + UPGRADE, bytes(65536), 26 * MEGABYTE, id="another protocol"),
        pytest.param(100, b"", (GET + UPGRADE) * 500, 26 * MEGABYTE, id="other protocols in a row"),
        pytest.param(500, GET + CHUNKED, b"10000\r\n" + bytes(65536) + b"\r\n", 26 * MEGABYTE, id="body without end"),
    ],
)
def test_abusive_clients_use_little_memory(exporter: Exporter, clients: int, first: bytes, again: bytes, most: int) -> None:
    # In a separate process, because it would keep this one from scraping.
    rude = get_context("fork").Process(target=lambda: asyncio.run(crowd(exporter, clients, first, again, most)))
    rude.start()
    # While the exporter stands still, the buffers fill up: the worst that a slow machine can do.
    time.sleep(0.3)
    exporter.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    exporter.process.send_signal(signal.SIGCONT)
    while rude.is_alive():
        reply = exporter.get("/metrics", Accept_Encoding="gzip")
        assert reply.status == 200
        assert gzip.decompress(reply.body).count(b"\n") > 10_000
        time.sleep(PAUSE)  # the processor is for the clients
    assert rude.exitcode == 0
    # Pages take 210 to 320 MB here, and took 630 MB on one machine for a reason that is not known.
    assert peak(exporter) < (700 if again.startswith(b"GET / ") else 450) * MEGABYTE
