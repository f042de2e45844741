"""Many, slow or abusive clients of the real process: scrapes are answered, and no resource grows."""

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.end_to_end.process import LEDGERS, Exporter, running

HEAD = b"GET /metrics HTTP/1.1\r\nHost: a\r\n"
MEBIBYTE = 1 << 20


@contextmanager
def alone(directory: Path) -> Iterator[Exporter]:
    """An exporter whose database cannot be reached."""
    (directory / "config.yml").write_text(LEDGERS.format(timezone="UTC"))
    with running(directory, "serve", f"--config.file={directory / 'config.yml'}", LEDGERS_DSN="host=/nowhere") as exporter:
        yield exporter


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """One exporter for all tests of this file."""
    with alone(tmp_path_factory.mktemp("abuse")) as exporter:
        exporter.page()
        yield exporter
        assert "Traceback" not in exporter.log.read_text()


def connect(exporter: Exporter) -> socket.socket:
    return socket.create_connection(("127.0.0.1", exporter.port), timeout=60)


def descriptors(exporter: Exporter) -> int:
    return len(list(Path(f"/proc/{exporter.process.pid}/fd").iterdir()))


def resident(exporter: Exporter) -> int:
    """The resident memory in bytes."""
    pages = int(Path(f"/proc/{exporter.process.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.parametrize("said", [b"", b"GET /met", HEAD, HEAD + b"\r\n"], ids=["silent", "line", "half", "reads nothing"])
def test_many_stalled_clients_do_not_block_a_scrape(target: Exporter, said: bytes) -> None:
    before = resident(target)
    with ExitStack() as stack:
        for number in range(600):
            stack.enter_context(connect(target)).sendall(said)
            assert number % 100 or target.get("/metrics").status == 200
        assert descriptors(target) < 512 + 64
        assert resident(target) - before < 64 * MEBIBYTE
    target.until(lambda: descriptors(target) < 64)


@pytest.mark.slow
def test_ten_thousand_successive_connections_leave_nothing(target: Exporter) -> None:
    target.page()
    before = descriptors(target), resident(target)
    for number in range(10_000):
        with connect(target) as one:
            if number % 4:
                one.sendall(HEAD + b"Connection: close\r\n\r\n")
                assert one.recv(15) == b"HTTP/1.1 200 OK"
    target.until(lambda: descriptors(target) <= before[0] + 2)
    assert resident(target) - before[1] < 32 * MEBIBYTE


def test_a_large_body_is_not_kept(target: Exporter) -> None:
    target.page()
    before, chunk = resident(target), b"100000\r\n" + bytes(MEBIBYTE) + b"\r\n"
    with connect(target) as one, suppress(ConnectionError):
        one.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(256):
            one.sendall(chunk)
    assert resident(target) - before < 32 * MEBIBYTE
    assert target.get("/metrics").status == 200


def test_without_file_descriptors_the_oldest_connections_are_closed_with_one_line(tmp_path: Path) -> None:
    with alone(tmp_path) as exporter, ExitStack() as stack:
        exporter.page()
        few = descriptors(exporter) + 20
        resource.prlimit(exporter.process.pid, resource.RLIMIT_NOFILE, (few, few))
        for _ in range(100):
            stack.enter_context(connect(exporter))
        assert exporter.get("/metrics").status == 200
        assert exporter.log.read_text().count("cannot accept connections") == 1
        assert "Traceback" not in exporter.log.read_text()
