"""Faults of a PostgreSQL server."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from exporter.demo.postgres import Server
from tests.waiting import until

CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'resource-exporter'"


def administer(server: Server, *statements: str) -> None:
    """Run statements as a superuser, each in its own transaction."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def processes(server: Server) -> list[int]:
    """All processes of a running server, the postmaster first."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return [int(pid) for pid in (str(server.pid), *children)]


def kill(server: Server) -> None:
    """Kill all processes at once, like the OOM killer. The server can be started again when this returns."""
    everything = processes(server)
    _signal(everything, signal.SIGKILL)
    server.stop()
    until(lambda: not any(map(_lives, everything)), lambda: f"these outlive SIGKILL: {[*filter(_lives, everything)]}")


@contextmanager
def killed(server: Server) -> Iterator[None]:
    """Kill the server at the start of the context and start it again at the end."""
    kill(server)
    yield
    server.start()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stop all processes with SIGSTOP for the duration of the context, as if the machine were suspended."""
    everything = processes(server)
    _signal(everything, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(everything, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # sessions end at any time
            os.kill(pid, number)


def _lives(pid: int) -> bool:
    """Whether the process is running. A zombie has an empty command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False
