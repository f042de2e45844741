"""A PostgreSQL that this process started, of the distribution or embedded, and what happens to servers."""

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
    """A server with the superuser ``postgres`` that trusts everybody; ``pid`` is its postmaster's."""

    @property
    def pid(self) -> int | None:
        """None while it is stopped."""

    def conninfo(self, database: str = "postgres") -> str:
        """The libpq connection string of a database, over the unix socket."""

    def start(self) -> None:
        """Start it with the data that it had, and wait until it answers."""

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Send the signal to the postmaster and wait for its end; what is stopped already stays so."""


@contextmanager
def killed(server: Postgres) -> Iterator[None]:
    """All its processes end at once, as when memory has run out; started again at the end."""
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
    """It is shut down in good order, as for an update; started again at the end."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    """All its processes stand still, as when a machine is suspended."""
    everything = _processes(server)
    _send(signal.SIGSTOP, everything)
    try:
        yield
    finally:
        _send(signal.SIGCONT, everything)


def _processes(server: Postgres) -> list[int]:
    """The postmaster first, so that it starts no other."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()
    return [int(pid) for pid in (str(server.pid), *children)]


def _send(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # sessions come and go
            os.kill(pid, number)


def _until_gone(pids: list[int]) -> None:
    """A process that lives on would keep the server from being started again."""
    deadline = time.monotonic() + PATIENCE
    while any(map(_lives, pids)):
        if time.monotonic() > deadline:
            raise BenchError("PostgreSQL outlives SIGKILL")
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    """One that has ended but that nobody waited for has no command line any more."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False
