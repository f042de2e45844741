"""A PostgreSQL started by this process, of the distribution or embedded, and its faults."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

from bench.processes import BenchError

PATIENCE: Final = 30.0


class Postgres(Protocol):
    """A server with the superuser ``postgres`` and trust authentication. ``pid`` is that of the postmaster."""

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster; None while the server is stopped."""

    def conninfo(self, database: str = "postgres") -> str:
        """The libpq connection string of a database, over the unix socket."""

    def start(self) -> None:
        """Start it with its existing data and wait until it answers."""

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Send the signal to the postmaster and wait until it exits. A stopped server stays stopped."""


@contextmanager
def killed(server: Postgres) -> Iterator[None]:
    """Kill all processes at once, like the OOM killer; start the server again at the end."""
    everything = _processes(server)
    _send(signal.SIGKILL, everything)
    server.stop()
    _until_gone(everything)
    try:
        yield
    finally:
        server.start()


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    """Shut the server down cleanly, as for an update; start it again at the end."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """Stop all processes with SIGSTOP, as if the machine were suspended; continue them at the end."""
    everything = _processes(server)
    _send(signal.SIGSTOP, everything)
    try:
        yield
    finally:
        _send(signal.SIGCONT, everything)


def _processes(server: Postgres) -> list[int]:
    """The process ids of the server, the postmaster first so that it cannot start others."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in (str(server.pid), *children)]


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # sessions come and go
            os.kill(pid, number)


def _until_gone(pids: list[int]) -> None:
    """Wait until the processes have exited: a remaining one would prevent the next start."""
    deadline = time.monotonic() + PATIENCE
    while any(map(_lives, pids)):
        if time.monotonic() > deadline:
            raise BenchError("PostgreSQL is still running after SIGKILL")
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    """Whether the process is running. A zombie has an empty command line."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False
