"""A server that never stops sending takes a bounded amount of memory."""

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import sql

from exporter.config import Database as DatabaseConfig
from exporter.sources.database import Database
from exporter.sources.transfer import FETCHED, Limit, TooLargeError
from tests.end_to_end.process import running

CONFIG = """
databases: {main: {dsn_env: LEDGERS_DSN}}
ledgers: {costs: {database: main}}
refresh: {interval: 500ms, statement_timeout: 5s}
"""


def message(kind: bytes, content: bytes) -> bytes:
    """A message of PostgreSQL's protocol, version 3."""
    return kind + struct.pack("!I", len(content) + 4) + content


HELLO = message(b"R", struct.pack("!I", 0)) + message(b"S", b"server_version\x0018.0\0") + message(b"Z", b"I")
HEADER = message(b"1", b"") + message(b"2", b"") + message(b"T", b"\0\1x\0" + struct.pack("!IhIhih", 0, 0, 25, -1, -1, 0))
ROWS = message(b"D", struct.pack("!hI", 1, 1000) + b"x" * 1000) * 1000


def flood(client: socket.socket) -> None:
    """Greet the client, and answer its first statement with rows without an end."""
    with client:
        try:
            client.recv(8192)
            client.sendall(HELLO)
            client.recv(8192)
            client.sendall(HEADER)
            while True:
                client.sendall(ROWS)
        except OSError:  # the client has had enough
            return


@contextmanager
def endless() -> Iterator[int]:
    """A server on a port of its own that floods each client."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:  # closed
                    return
                threading.Thread(target=flood, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.slow
def test_a_server_that_sends_rows_without_an_end(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(CONFIG)
    with endless() as port:
        dsn = f"host=127.0.0.1 port={port} sslmode=disable gssencmode=disable user=x dbname=x"
        with running(tmp_path, "serve", f"--config.file={tmp_path / 'config.yml'}", LEDGERS_DSN=dsn) as exporter:
            exporter.until(lambda: 'refreshes_total{outcome="failure"} 2' in exporter.page())
            status = Path(f"/proc/{exporter.process.pid}/status").read_text()
            assert "the server sent more than" in exporter.log.read_text()
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    assert int(peak) < 250_000


async def test_a_copy_beyond_its_limit_is_refused_and_the_transaction_goes_on(database: str, tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    source = Database(DatabaseConfig(name="main", dsn=database), timedelta(seconds=60))
    async with source as opened, opened.transaction() as transaction:
        for limit in (Limit(rows=999, size=1 << 30), Limit(rows=1_000_000, size=2_000)):
            with pytest.raises(TooLargeError):
                async with transaction.savepoint():
                    await transaction.copy(sql.SQL("SELECT generate_series(1, 100000000)"), target, limit)
        assert target.stat().st_size < 5_000_000
        assert await transaction.copy(sql.SQL("SELECT generate_series(1, 999)"), target, Limit(999, 1 << 30)) == 999
        assert len(await transaction.rows(sql.SQL("SELECT generate_series(1, 100000)"))) == FETCHED.rows


@pytest.mark.parametrize(
    "rows", ["generate_series(1, 100001)", "(SELECT repeat('x', 1024) FROM generate_series(1, 32769)) AS x"]
)
async def test_a_result_that_is_not_small_ends_the_connection(database: str, rows: LiteralString) -> None:
    async with Database(DatabaseConfig(name="main", dsn=database), timedelta(seconds=60)) as opened:
        async with opened.transaction() as transaction:
            with pytest.raises(TooLargeError):
                await transaction.rows(sql.SQL("SELECT * FROM " + rows))
            assert transaction.broken
        async with opened.transaction() as transaction:
            assert await transaction.rows(sql.SQL("SELECT 1")) == [(1,)]
