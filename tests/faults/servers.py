"""Doing to a PostgreSQL what happens to servers."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from exporter.demo.postgres import Server
from tests.end_to_end.process import DEADLINE

CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'resource-exporter'"


def administer(server: Server, *statements: str) -> None:
    """Run statements of a superuser, each in a transaction of its own."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def processes(server: Server) -> list[int]:
    """Every process of a running server, the postmaster first."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(pid) for pid in (str(server.pid), *children)]


def kill(server: Server) -> None:
    """SIGKILL to all of it at once, as when memory has run out. Can be started again when it returns."""
    everything = processes(server)
    _signal(everything, signal.SIGKILL)
    server.stop()
    deadline = time.monotonic() + DEADLINE
    while any(map(_lives, everything)):
        assert time.monotonic() < deadline, f"processes of PostgreSQL outlive SIGKILL: {[*filter(_lives, everything)]}"
        time.sleep(0.01)


@contextmanager
def killed(server: Server) -> Iterator[None]:
    """Killed at the beginning, and started again at the end."""
    kill(server)
    yield
    server.start()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Every process of it stands still, as when a machine is suspended."""
    everything = processes(server)
    _signal(everything, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(everything, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # those of a server come and go
            os.kill(pid, number)


def _lives(pid: int) -> bool:
    """A process that has ended but was not waited for has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False
